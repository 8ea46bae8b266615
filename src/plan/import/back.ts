// The way back: what the imported program must know before it gives out addresses again.

import type { SpiderIPPool } from '#api';
import { type Address, cidrContains, formatAddress, networkOf, parseAddress, parseCidr } from '#ip';
import { PoolLedger } from '#plan/ipam';
import { firstAddress } from './claim.ts';
import { type ImportFacts, importedPools } from './plan.ts';
import type { ImportSource } from './source-conf.ts';

/** Allocations that an IPPool of Whereabouts needs, by offset. */
export interface MissingAllocations {
  readonly namespace: string;
  readonly name: string;
  readonly allocations: Readonly<
    Record<string, { readonly id: string; readonly podref: string; readonly ifname: string }>
  >;
}

export interface BackPlan {
  /** Pools that the import made. They are closed first, so that their records do not grow. */
  readonly pools: readonly SpiderIPPool[];
  /** What Whereabouts does not know. */
  readonly allocations: readonly MissingAllocations[];
  /** Why the definitions cannot be given back yet. */
  readonly obstacles: readonly string[];
}

/** With closed pools. Before, a pod may get another address at any time. */
export function planBack(source: ImportSource, facts: ImportFacts): BackPlan {
  const pools = importedPools(source, facts);
  const held = pools.flatMap((pool) => {
    const { records } = PoolLedger.read(pool);
    return Array.from(records, ([text, record]) => ({ address: parseAddress(text), ...record }));
  });
  if (source === 'host-local') return { pools, allocations: [], obstacles: strangers(held, facts) };
  const found = new Map<string, MissingAllocations>();
  const obstacles: string[] = [];
  for (const { address, pod, podUid, nic = '' } of held) {
    const place = placeOf(address, facts);
    if (place === undefined) {
      obstacles.push(`${formatAddress(address)} of pod ${pod} is in no IPPool of Whereabouts`);
    } else if (!place.isTaken) {
      const { namespace, name, offset } = place;
      const key = `${namespace}/${name}`;
      const known = found.get(key)?.allocations ?? {};
      const allocations = { ...known, [offset]: { id: podUid, podref: pod, ifname: nic } };
      found.set(key, { namespace, name, allocations });
    }
  }
  return { pools, allocations: [...found.values()], obstacles };
}

/** The IPPool of Whereabouts for the address, and its place there. */
function placeOf(address: Address, { whereaboutsPools }: ImportFacts) {
  for (const pool of whereaboutsPools) {
    const first = firstAddress(pool);
    if (first === undefined || !cidrContains(networkOf(parseCidr(pool.spec.range)), address)) continue;
    if (address.value < first.value) continue;
    const offset = String(address.value - first.value);
    const { namespace = '', name = '' } = pool.metadata;
    return { namespace, name, offset, isTaken: offset in pool.spec.allocations };
  }
  return undefined;
}

/** host-local knows only what is in its files. A pod that Orbweaver served has a SpiderEndpoint. */
function strangers(
  held: readonly { readonly address: Address; readonly pod: string; readonly podUid: string }[],
  { endpoints }: ImportFacts,
): string[] {
  const served = new Set(endpoints.flatMap(({ status }) => status?.current.uid ?? []));
  return held
    .filter(({ podUid }) => served.has(podUid))
    .map(
      ({ address, pod }) =>
        `pod ${pod} has ${formatAddress(address)} from Orbweaver, and host-local would give it again: delete the pod`,
    );
}
