// The controller of a record's pod, as far as it decides whether the address is fixed.

import {
  foreignResources,
  type KubeObject,
  type OwnerReference,
  type Pod,
  resources,
  type SpiderEndpoint,
  type StatefulSet,
} from '#api';
import type { ObjectRef } from '#kube';
import type { Owner, Sight } from '#plan/reclaim';
import type { ClusterSight } from './sight.ts';

const OTHER = { kind: 'other' } as const;

/** `pod` is undefined if no pod of that name or UID exists. Then the endpoint tells, or else the name. */
export async function ownerOf(
  ref: ObjectRef,
  pod: Pod | undefined,
  endpoint: SpiderEndpoint | undefined,
  sight: Pick<ClusterSight, 'look'>,
): Promise<Owner> {
  const { kind, name, apiVersion = '' } = namedOwner(pod, endpoint) ?? {};
  if (kind === 'StatefulSet' && isOf(apiVersion, 'apps')) return statefulSet(ref, name ?? '', sight);
  if (kind === 'VirtualMachineInstance' && isOf(apiVersion, 'kubevirt.io')) {
    return machine({ ...ref, name: name ?? '' }, sight);
  }
  return kind === undefined && pod === undefined ? ownerByName(ref, sight) : OTHER;
}

/** The owner of a record that an IPAMClaim keeps. */
export async function claimOwner(ref: ObjectRef, sight: Pick<ClusterSight, 'look'>): Promise<Owner> {
  const seen = await sight.look(foreignResources.ipamClaims, ref);
  if (seen.state === 'unreadable') return { kind: 'unreadable', said: seen.said };
  const lives = seen.state === 'present' && seen.object.metadata.deletionTimestamp === undefined;
  return { kind: 'IPAMClaim', name: ref.name, lives };
}

type NamedOwner = Pick<OwnerReference, 'kind' | 'name'> & Partial<OwnerReference>;

function namedOwner(pod: Pod | undefined, endpoint: SpiderEndpoint | undefined): NamedOwner | undefined {
  if (pod !== undefined) return controllerOf(pod);
  const { ownerControllerType: kind, ownerControllerName: name } = endpoint?.status ?? {};
  return kind === undefined || name === undefined ? undefined : { kind, name };
}

function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** An endpoint does not say the group of the controller. */
function isOf(apiVersion: string, group: string): boolean {
  return apiVersion === '' || apiVersion.startsWith(`${group}/`);
}

/** Neither pod nor endpoint is left. A StatefulSet that gives this name still claims the address. */
async function ownerByName(ref: ObjectRef, sight: Pick<ClusterSight, 'look'>): Promise<Owner> {
  const [, set] = /^(.+)-(?:0|[1-9]\d*)$/.exec(ref.name) ?? [];
  if (set !== undefined) {
    const seen = await sight.look(resources.statefulSets, { ...ref, name: set });
    if (seen.state !== 'absent') return ofStatefulSet(set, seen);
  }
  const instance = await machine(ref, sight);
  const isMachine =
    instance.kind === 'VirtualMachineInstance' &&
    (instance.instance !== 'absent' || instance.machine !== 'absent');
  return isMachine || instance.kind === 'unreadable' ? instance : OTHER;
}

async function statefulSet(ref: ObjectRef, name: string, sight: Pick<ClusterSight, 'look'>): Promise<Owner> {
  return ofStatefulSet(name, await sight.look(resources.statefulSets, { ...ref, name }));
}

function ofStatefulSet(name: string, seen: Sight<StatefulSet>): Owner {
  const kind = 'StatefulSet';
  if (seen.state === 'unreadable') return { kind: 'unreadable', said: seen.said };
  if (seen.state === 'absent' || seen.object.metadata.deletionTimestamp !== undefined) {
    return { kind, name, ordinals: undefined };
  }
  const { replicas = 1, ordinals } = seen.object.spec ?? {};
  return { kind, name, ordinals: { start: ordinals?.start ?? 0, replicas } };
}

async function machine(ref: ObjectRef, sight: Pick<ClusterSight, 'look'>): Promise<Owner> {
  const instance = await sight.look(foreignResources.virtualMachineInstances, ref);
  if (instance.state === 'unreadable') return { kind: 'unreadable', said: instance.said };
  // A VirtualMachine and its instance have one name (KubeVirt, "VirtualMachine").
  const owner = await sight.look(foreignResources.virtualMachines, ref);
  if (owner.state === 'unreadable') return { kind: 'unreadable', said: owner.said };
  return {
    kind: 'VirtualMachineInstance',
    name: ref.name,
    instance: lifeOf(instance, (object) => ['Succeeded', 'Failed'].includes(object.status?.phase ?? '')),
    machine: lifeOf(owner, () => false),
  };
}

function lifeOf<T extends KubeObject>(
  seen: Exclude<Sight<T>, { readonly state: 'unreadable' }>,
  hasEnded: (object: T) => boolean,
): 'alive' | 'ended' | 'absent' {
  if (seen.state === 'absent') return 'absent';
  const { object } = seen;
  return object.metadata.deletionTimestamp !== undefined || hasEnded(object) ? 'ended' : 'alive';
}
