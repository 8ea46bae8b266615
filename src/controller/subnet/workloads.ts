// Workloads as applications, found by the names that pools have of them.

import { type KubeObject, type ResourceType, resources } from '#api';
import { type Application, labelValue, type Workload, type WorkloadKinds, workloadOf } from '#plan/subnet';
import type { AddressState } from '../kinds.ts';

type Kind = keyof WorkloadKinds;

/** The kinds of the informers by the kinds of the API. */
const stores = {
  Deployment: 'deployments',
  ReplicaSet: 'replicaSets',
  StatefulSet: 'statefulSets',
  DaemonSet: 'daemonSets',
  Job: 'jobs',
  CronJob: 'cronJobs',
} as const satisfies Readonly<Record<Kind, keyof AddressState>>;

const kinds = new Map(Object.entries(stores).map(([kind, store]) => [store as string, kind as Kind]));

/** The object of the informers' kind as an application. Undefined if it is none. */
export function workloadIn(store: string, object: KubeObject): Workload | undefined {
  const kind = kinds.get(store);
  return kind === undefined ? undefined : workloadOf(kind, object as WorkloadKinds[Kind] as never);
}

/** The workload of the application's kind and name, whatever its UID is. */
export function foundWorkload(
  { kind, namespace, name }: Application,
  state: AddressState,
): { readonly object: KubeObject; readonly workload: Workload | undefined } | undefined {
  const store = stores[kind as Kind];
  const listed = state[store];
  const isNamed = ({ metadata }: KubeObject) =>
    metadata.namespace === namespace && labelValue(metadata.name ?? '') === name;
  const object: KubeObject | undefined =
    listed.get(name, namespace) ?? (listed.list() as KubeObject[]).find((one) => isNamed(one));
  return object === undefined ? undefined : { object, workload: workloadIn(store, object) };
}

export function typeOf(kind: string): ResourceType {
  return resources[stores[kind as Kind]];
}

/** Every workload that is an application. */
export function allWorkloads(state: AddressState): Workload[] {
  return Object.values(stores).flatMap((store) =>
    (state[store].list() as KubeObject[]).flatMap((object) => workloadIn(store, object) ?? []),
  );
}

/** The key of an application. Of a name that is no label, it has the label. */
export function keyOfApplication({ apiVersion, kind, namespace, name }: Omit<Application, 'uid'>): string {
  return JSON.stringify([apiVersion, kind, namespace, labelValue(name)]);
}

export function applicationOfKey(key: string): Application {
  const [apiVersion, kind, namespace, name] = JSON.parse(key) as [string, string, string, string];
  return { apiVersion, kind, namespace, name, uid: '' };
}
