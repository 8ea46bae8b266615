// The workloads of apps/v1. They create pods and report which of them exist.

import { z } from 'zod';
import { labelSelectorSchema, metadataSchema, typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { KubeObject, ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';
import { podSpecSchema } from './pod.ts';

const count = z.int().optional();

export const podTemplateSchema = partOf({
  metadata: metadataSchema.optional().describe('Labels and annotations of the pods.'),
  spec: podSpecSchema.optional().describe('Desired state of the pods.'),
});

export type PodTemplate = z.infer<typeof podTemplateSchema>;

const common = {
  selector: labelSelectorSchema.describe('Labels of the pods of this workload.'),
  template: podTemplateSchema.describe('Template of the pods.'),
};
const replicas = count.describe('Desired number of pods; 1 unless set.');
const observedGeneration = count.describe('Generation of the spec that this status describes.');

export const deploymentSchema = partOf({
  ...typeFields,
  spec: partOf({
    ...common,
    replicas,
    paused: z.boolean().optional().describe('Whether the rollout of changes is paused.'),
    revisionHistoryLimit: count.describe('How many old ReplicaSets are kept.'),
  })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Existing pods.'),
    updatedReplicas: count.describe('Pods of the newest template.'),
    readyReplicas: count.describe('Ready pods.'),
    availableReplicas: count.describe('Pods that have been ready long enough.'),
    unavailableReplicas: count.describe('Missing pods.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('Observed state.'),
}).describe('Deployment keeps a number of equal pods and rolls out changes.');

export const replicaSetSchema = partOf({
  ...typeFields,
  spec: partOf({ ...common, template: common.template.optional(), replicas })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Existing pods.'),
    fullyLabeledReplicas: count.describe('Pods with all labels of the template.'),
    readyReplicas: count.describe('Ready pods.'),
    availableReplicas: count.describe('Pods that have been ready long enough.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('Observed state.'),
}).describe('ReplicaSet keeps a number of equal pods.');

export const statefulSetSchema = partOf({
  ...typeFields,
  spec: partOf({
    ...common,
    replicas,
    serviceName: z.string().optional().describe('Headless Service that governs the host names.'),
    podManagementPolicy: z
      .enum(['OrderedReady', 'Parallel'])
      .optional()
      .describe('Whether pods start one after the other or at once.'),
    ordinals: partOf({ start: count.describe('Ordinal of the first pod; 0 unless set.') })
      .optional()
      .describe('Ordinals of the pods.'),
  })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Existing pods.'),
    readyReplicas: count.describe('Ready pods.'),
    currentReplicas: count.describe('Pods of the current template.'),
    updatedReplicas: count.describe('Pods of the newest template.'),
    availableReplicas: count.describe('Pods that have been ready long enough.'),
    currentRevision: z.string().optional().describe('Name of the current revision.'),
    updateRevision: z.string().optional().describe('Name of the newest revision.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('Observed state.'),
}).describe('StatefulSet keeps pods with fixed names.');

export const daemonSetSchema = partOf({
  ...typeFields,
  spec: partOf(common).optional().describe('Desired state.'),
  status: partOf({
    observedGeneration,
    currentNumberScheduled: count.describe('Nodes that run the pod and should run it.'),
    desiredNumberScheduled: count.describe('Nodes that should run the pod.'),
    numberMisscheduled: count.describe('Nodes that run the pod and should not run it.'),
    numberReady: count.describe('Nodes whose pod is ready.'),
    updatedNumberScheduled: count.describe('Nodes whose pod has the newest template.'),
    numberAvailable: count.describe('Nodes whose pod has been ready long enough.'),
    numberUnavailable: count.describe('Nodes whose pod is missing.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('Observed state.'),
}).describe('DaemonSet keeps one pod on each node.');

export type Deployment = z.infer<typeof deploymentSchema>;
export type ReplicaSet = z.infer<typeof replicaSetSchema>;
export type StatefulSet = z.infer<typeof statefulSetSchema>;
export type DaemonSet = z.infer<typeof daemonSetSchema>;

function workload<T extends KubeObject>(
  kind: string,
  plural: string,
  shortName: string,
  schema: z.ZodType<T>,
): ResourceType<T> {
  return {
    group: 'apps',
    version: 'v1',
    kind,
    plural,
    namespaced: true,
    statusSubresource: true,
    shortNames: [shortName],
    categories: ['all'],
    schema,
  };
}

export const deployments = workload<Deployment>('Deployment', 'deployments', 'deploy', deploymentSchema);
export const replicaSets = workload<ReplicaSet>('ReplicaSet', 'replicasets', 'rs', replicaSetSchema);
export const statefulSets = workload<StatefulSet>('StatefulSet', 'statefulsets', 'sts', statefulSetSchema);
export const daemonSets = workload<DaemonSet>('DaemonSet', 'daemonsets', 'ds', daemonSetSchema);
