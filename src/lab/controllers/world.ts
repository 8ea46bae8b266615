// What the controllers know of the cluster: a store for each kind that they use, kept up to date by reflectors.

import type {
  CronJob,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Job,
  KubeObject,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  Service,
  StatefulSet,
} from '#api';
import type { Store } from '#kube';

/** The kinds, under their names in `World` and `resources`. */
export const watchedKinds = [
  'cronJobs',
  'daemonSets',
  'deployments',
  'endpointSlices',
  'jobs',
  'nodes',
  'podDisruptionBudgets',
  'pods',
  'replicaSets',
  'services',
  'statefulSets',
] as const;

export type WatchedKind = (typeof watchedKinds)[number];

export interface Kinds {
  cronJobs: CronJob;
  daemonSets: DaemonSet;
  deployments: Deployment;
  endpointSlices: EndpointSlice;
  jobs: Job;
  nodes: Node;
  podDisruptionBudgets: PodDisruptionBudget;
  pods: Pod;
  replicaSets: ReplicaSet;
  services: Service;
  statefulSets: StatefulSet;
}

/** A read-only store. */
export type ReadStore<T extends KubeObject> = Pick<Store<T>, 'get' | 'list' | 'by'>;

/** The index of every store in a world: objects by the UID of their controller. */
export const byController = 'controller';

/** The index of every store in a world: objects by their namespace. */
export const byNamespace = 'namespace';

export const worldIndexes = {
  [byController]: ({ metadata }: KubeObject): string[] =>
    (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true).map(({ uid }) => uid),
  [byNamespace]: ({ metadata }: KubeObject): string[] => [metadata.namespace ?? ''],
};

export type World = { readonly [K in WatchedKind]: ReadStore<Kinds[K]> };
