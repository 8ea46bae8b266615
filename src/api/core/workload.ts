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
  spec: podSpecSchema.optional().describe('What the pods run.'),
});

export type PodTemplate = z.infer<typeof podTemplateSchema>;

const common = {
  selector: labelSelectorSchema.describe('Labels of the pods that belong to it.'),
  template: podTemplateSchema.describe('What its pods look like.'),
};
const replicas = count.describe('How many pods are wanted; 1 unless set.');
const observedGeneration = count.describe('The generation that this status is about.');

export const deploymentSchema = partOf({
  ...typeFields,
  spec: partOf({
    ...common,
    replicas,
    paused: z.boolean().optional().describe('Whether changes wait.'),
    revisionHistoryLimit: count.describe('How many old ReplicaSets are kept.'),
  })
    .optional()
    .describe('What is wanted.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Pods that exist.'),
    updatedReplicas: count.describe('Pods of the newest template.'),
    readyReplicas: count.describe('Pods that are ready.'),
    availableReplicas: count.describe('Pods that were ready long enough.'),
    unavailableReplicas: count.describe('Pods still missing.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('What there is.'),
}).describe('Deployment keeps a number of equal pods and rolls out changes.');

export const replicaSetSchema = partOf({
  ...typeFields,
  spec: partOf({ ...common, template: common.template.optional(), replicas })
    .optional()
    .describe('What is wanted.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Pods that exist.'),
    fullyLabeledReplicas: count.describe('Pods with all labels of the template.'),
    readyReplicas: count.describe('Pods that are ready.'),
    availableReplicas: count.describe('Pods that were ready long enough.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('What there is.'),
}).describe('ReplicaSet keeps a number of equal pods.');

export const statefulSetSchema = partOf({
  ...typeFields,
  spec: partOf({
    ...common,
    replicas,
    serviceName: z.string().optional().describe('The headless Service that governs the names.'),
    podManagementPolicy: z
      .enum(['OrderedReady', 'Parallel'])
      .optional()
      .describe('One after the other, or at once.'),
  })
    .optional()
    .describe('What is wanted.'),
  status: partOf({
    observedGeneration,
    replicas: count.describe('Pods that exist.'),
    readyReplicas: count.describe('Pods that are ready.'),
    currentReplicas: count.describe('Pods of the current template.'),
    updatedReplicas: count.describe('Pods of the newest template.'),
    availableReplicas: count.describe('Pods that were ready long enough.'),
    currentRevision: z.string().optional().describe('Name of the current revision.'),
    updateRevision: z.string().optional().describe('Name of the newest revision.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('What there is.'),
}).describe('StatefulSet keeps pods with fixed names.');

export const daemonSetSchema = partOf({
  ...typeFields,
  spec: partOf(common).optional().describe('What is wanted.'),
  status: partOf({
    observedGeneration,
    currentNumberScheduled: count.describe('Nodes that run the pod and should.'),
    desiredNumberScheduled: count.describe('Nodes that should run the pod.'),
    numberMisscheduled: count.describe('Nodes that run the pod and should not.'),
    numberReady: count.describe('Nodes whose pod is ready.'),
    updatedNumberScheduled: count.describe('Nodes whose pod is of the newest template.'),
    numberAvailable: count.describe('Nodes whose pod was ready long enough.'),
    numberUnavailable: count.describe('Nodes whose pod is missing.'),
    conditions: conditionsField,
  })
    .optional()
    .describe('What there is.'),
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
