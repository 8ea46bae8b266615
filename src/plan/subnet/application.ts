// The application that a pod belongs to: the identity by which automatic pools are found again.

import type { KubeObject, OwnerReference, Pod } from '#api';

/** A workload, as its pods' pools name it. */
export interface Application {
  /** `apps/v1`, or `v1` in the core group. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The application without its UID. A new application of the same kind and name has the same. */
export type ApplicationName = Omit<Application, 'uid'>;

/** Reads a ReplicaSet or Job by namespace and name. Undefined if the reader does not have it. */
export type OwnerLookup = (
  kind: 'ReplicaSet' | 'Job',
  namespace: string,
  name: string,
) => KubeObject | undefined;

/** The kinds whose number of pods we know. They have the group version that follows. */
const knownKinds: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};

/** The kinds that another kind may control. */
const controlledBy = { ReplicaSet: 'Deployment', Job: 'CronJob' } as const;

/**
 * The topmost known controller of the pod. A pod without controller is its own application, of kind Pod. A controller
 * of a kind that we do not know is the application itself, because nobody can say what is above it. Undefined if the
 * lookup does not have the pod's ReplicaSet or Job, or has another one of the same name.
 */
export function topController(pod: Pod, lookup: OwnerLookup): Application | undefined {
  const namespace = pod.metadata.namespace ?? '';
  const owner = controllerOf(pod);
  if (owner === undefined) {
    const { name = '', uid = '' } = pod.metadata;
    return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
  }
  const { apiVersion, kind, name, uid } = owner;
  const own = { apiVersion, kind, namespace, name, uid };
  if ((kind !== 'ReplicaSet' && kind !== 'Job') || isThirdParty(own)) return own;
  const middle = lookup(kind, namespace, name);
  if (middle === undefined || middle.metadata.uid !== uid) return undefined;
  const above = controllerOf(middle);
  if (above === undefined || !isController(above, kind)) return own;
  return { apiVersion: above.apiVersion, kind: above.kind, namespace, name: above.name, uid: above.uid };
}

/** Whether the ReplicaSet or Job belongs to an application above it. Other kinds never do. */
export function isControlled(kind: string, object: KubeObject): boolean {
  if (kind !== 'ReplicaSet' && kind !== 'Job') return false;
  const owner = controllerOf(object);
  return owner !== undefined && isController(owner, kind);
}

/** Whether the kind is none of Kubernetes' own workloads. Then only the user knows how many pods it has. */
export function isThirdParty({ apiVersion, kind }: Pick<Application, 'apiVersion' | 'kind'>): boolean {
  return knownKinds[kind] !== apiVersion && !isOrphan({ apiVersion, kind });
}

/** Whether the application is a pod without controller. */
export function isOrphan({ apiVersion, kind }: Pick<Application, 'apiVersion' | 'kind'>): boolean {
  return apiVersion === 'v1' && kind === 'Pod';
}

/** `apps_v1_Deployment_ns_name`: how `status.controlledIPPools` of a subnet names an application. */
export function applicationKey({ apiVersion, kind, namespace, name }: ApplicationName): string {
  return [apiVersion.replace('/', '_'), kind, namespace, name].join('_');
}

function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

function isController({ apiVersion, kind }: OwnerReference, of: keyof typeof controlledBy): boolean {
  return kind === controlledBy[of] && knownKinds[kind] === apiVersion;
}
