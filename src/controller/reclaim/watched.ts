// What the watches tell about holders. It finds candidates; the server decides about each.

import { foreignResources, type Pod, resources } from '#api';
import { recordsMayName } from '#plan/ipam';
import { hasAddress, hasFinished } from '#plan/reclaim';
import { type Listed, ListedSight } from '#reclaim';
import type { StateOf } from '#reconcile';
import type { AddressState, claimKinds } from '../kinds.ts';

/** Kinds that are not watched are taken for absent here, because only candidates are sought. */
export function watchedSight(state: AddressState, { claims }: StateOf<typeof claimKinds>): ListedSight {
  const lists: [object, Listed][] = [
    [resources.spiderEndpoints, state.endpoints],
    [resources.pods, state.pods],
    [resources.nodes, state.nodes],
    [resources.statefulSets, state.statefulSets],
    [foreignResources.ipamClaims, claims],
  ];
  return new ListedSight(new Map(lists) as ConstructorParameters<typeof ListedSight>[0], {
    look: async () => ({ state: 'absent' }),
  });
}

/** Whether the pod is gone: its name has no pod, or another one. */
export function isGone({ metadata: { name = '', namespace = '', uid } }: Pod, state: AddressState): boolean {
  return state.pods.get(name, namespace)?.metadata.uid !== uid;
}

/** Whether the pod has finished or is being deleted. */
export function isEnding(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined || hasFinished(pod);
}

/** Whether the pod needs its addresses, without any doubt. Most pods do, and they cost no verdict. */
export function isAtWork(pod: Pod): boolean {
  return (
    !isEnding(pod) &&
    (pod.status?.phase === 'Pending' || (pod.status?.phase === 'Running' && hasAddress(pod)))
  );
}

/** Pools whose records may have the text. It is searched, because parsing large pools for each event costs more. */
export function poolsNaming(text: string, state: AddressState): string[] {
  if (text === '') return [];
  return state.pools
    .list()
    .filter((pool) => recordsMayName(pool, text))
    .map(({ metadata }) => metadata.name ?? '');
}
