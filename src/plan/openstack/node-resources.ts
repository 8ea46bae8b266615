// What a node's agent publishes on the Node as countable resources, so that the scheduler places pods where the cloud has
// something left for them.

import type { Node, Pod } from '#api';

/** Every resource of ours. Others with this prefix do not exist. */
export const RESOURCE_PREFIX = 'openstack.orbweaver.io/';
/** How many pods can have addresses of the node's ports. */
export const ADDRESS_RESOURCE = `${RESOURCE_PREFIX}addresses`;

/** How many pods can have a NIC of their own. */
export const NIC_RESOURCE = `${RESOURCE_PREFIX}nics`;

/** kubelet's own default (`maxPods`). */
const PODS_PER_NODE = 110;

/** What a node has for pods, addresses or NICs. */
export interface AddressSupply {
  /** For the next pods. Of addresses: of that subnet that has the fewest. */
  readonly ready: number;
  /** How many pods may come besides, before others are ready. Undefined: as many as the node may have. */
  readonly more: number | undefined;
  /** The UIDs of the pods that have some. */
  readonly holders: ReadonlySet<string>;
}

/**
 * The amount of a resource. The scheduler takes what pods request off it. So it is what the next pods can have, and what
 * those requested that wait for nothing: they have theirs, or they run without. It is never less than what the pods that
 * are placed here request: kubelet fails a pod for which the Node has not enough, also when kubelet starts again.
 */
export function addressAmount(
  { ready, more, holders }: AddressSupply,
  node: Pick<Node, 'status'>,
  pods: readonly Pod[],
  resource = ADDRESS_RESOURCE,
): number {
  if (more === undefined) return Number(node.status?.capacity?.pods ?? PODS_PER_NODE);
  const requestedBy = (some: readonly Pod[]) => some.reduce((sum, pod) => sum + requested(pod, resource), 0);
  // One that is being deleted may be gone before the next look.
  const placed = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const running = new Set(placed.filter(({ status }) => status?.phase === 'Running'));
  const served = pods.filter((pod) => holders.has(pod.metadata.uid ?? '') || running.has(pod));
  return Math.max(ready + more + requestedBy(served), requestedBy(placed));
}

interface Requesting {
  readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> };
}

/** As the scheduler counts: what the containers request together, or the largest of those that run before them. */
function requested({ spec, status }: Pod, resource: string): number {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  const of = (containers: readonly object[] | undefined) =>
    (containers ?? []).map((one) => Number((one as Requesting).resources?.limits?.[resource] ?? 0));
  const together = of(spec?.containers).reduce((sum, count) => sum + count, 0);
  const most = Math.max(together, ...of(spec?.initContainers));
  return Number.isFinite(most) ? most : 0;
}

/** By the resource's name. `unknown` leaves what the Node says. */
export type Amounts = ReadonlyMap<string, number | 'unknown'>;

/**
 * A merge patch of the Node's status that makes our resources these, and removes others of ours. Undefined if they are
 * so. kubelet copies the capacity into what pods may use within ten seconds; this does not wait for it.
 */
export function resourcePatch({ status }: Pick<Node, 'status'>, wanted: Amounts): object | undefined {
  const changed = (of: Readonly<Record<string, string>> = {}) => {
    const left = Object.keys(of).filter((name) => name.startsWith(RESOURCE_PREFIX) && !wanted.has(name));
    const set = Array.from(wanted).filter(
      ([name, amount]) => amount !== 'unknown' && of[name] !== String(amount),
    );
    return [
      ...left.map((name) => [name, null] as const),
      ...set.map(([name, amount]) => [name, String(amount)] as const),
    ];
  };
  const capacity = changed(status?.capacity);
  const allocatable = changed(status?.allocatable);
  if (capacity.length === 0 && allocatable.length === 0) return undefined;
  return {
    status: {
      ...(capacity.length > 0 && { capacity: Object.fromEntries(capacity) }),
      ...(allocatable.length > 0 && { allocatable: Object.fromEntries(allocatable) }),
    },
  };
}
