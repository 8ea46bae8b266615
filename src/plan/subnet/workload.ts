// What an automatic pool needs to know of a workload: who it is, what its pods ask for, and how many pods it wants.

import type {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  KubeObject,
  PodTemplate,
  ReplicaSet,
  StatefulSet,
} from '#api';
import { type Application, isControlled } from './application.ts';

/** The workloads of Kubernetes by kind. */
export interface WorkloadKinds {
  readonly Deployment: Deployment;
  readonly ReplicaSet: ReplicaSet;
  readonly StatefulSet: StatefulSet;
  readonly DaemonSet: DaemonSet;
  readonly Job: Job;
  readonly CronJob: CronJob;
}

export interface Workload {
  readonly application: Application;
  /** The annotations of the pods. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How many pods it wants. */
  readonly replicas: number;
}

interface Reader<T> {
  readonly apiVersion: string;
  readonly template: (object: T) => PodTemplate | undefined;
  readonly replicas: (object: T) => number;
}

const readers: { readonly [Kind in keyof WorkloadKinds]: Reader<WorkloadKinds[Kind]> } = {
  Deployment: replicated(),
  ReplicaSet: replicated(),
  StatefulSet: replicated(),
  DaemonSet: {
    apiVersion: 'apps/v1',
    template: ({ spec }) => spec?.template,
    replicas: ({ status }) => status?.desiredNumberScheduled ?? 0,
  },
  Job: {
    apiVersion: 'batch/v1',
    template: ({ spec }) => spec?.template,
    replicas: ({ spec }) => jobPods(spec),
  },
  CronJob: {
    apiVersion: 'batch/v1',
    template: ({ spec }) => spec?.jobTemplate.spec?.template,
    replicas: ({ spec }) => jobPods(spec?.jobTemplate.spec),
  },
};

/**
 * The workload as an application. Undefined if it is none: its pods use the node's network, or another workload
 * controls it.
 */
export function workloadOf<Kind extends keyof WorkloadKinds>(
  kind: Kind,
  object: WorkloadKinds[Kind],
): Workload | undefined {
  const reader: Reader<WorkloadKinds[Kind]> = readers[kind];
  const template = reader.template(object);
  if (isControlled(kind, object) || template?.spec?.hostNetwork === true) return undefined;
  const { namespace = '', name = '', uid = '' } = object.metadata;
  return {
    application: { apiVersion: reader.apiVersion, kind, namespace, name, uid },
    annotations: template?.metadata?.annotations ?? {},
    replicas: reader.replicas(object),
  };
}

interface Replicated extends KubeObject {
  readonly spec?:
    | { readonly template?: PodTemplate | undefined; readonly replicas?: number | undefined }
    | undefined;
}

function replicated(): Reader<Replicated> {
  return {
    apiVersion: 'apps/v1',
    template: ({ spec }) => spec?.template,
    // The API server writes 1 where the field is absent.
    replicas: ({ spec }) => spec?.replicas ?? 1,
  };
}

/** The completions, else the parallelism. A suspended Job with 0 still counts as 1, as in Spiderpool. */
function jobPods(spec: Job['spec']): number {
  return Math.max(1, spec?.completions ?? spec?.parallelism ?? 1);
}
