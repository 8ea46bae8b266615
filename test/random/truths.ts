// What must be true of the pools and subnets on the server, whatever happens.

import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { type AddressRange, AddressSet } from '#ip';
import type { FakeKube } from '#kube/testing';
import { parseRecords, readPoolNetwork } from '#plan/ipam';
import { isAutomatic } from '#plan/subnet';

export class Fault extends Error {}

/** Who holds an address. */
export interface RecordedPod {
  readonly pod: string;
  readonly podUid: string;
}

/** @throws Fault if two pools have an address, or a record of one */
export async function recordsOf(kube: FakeKube): Promise<Map<string, RecordedPod>> {
  const { items } = await kube.list(resources.spiderIPPools);
  refuseSharedAddresses(items);
  const all = new Map<string, RecordedPod>();
  for (const pool of items) {
    for (const [address, record] of recordsIn(pool)) {
      if (all.has(address)) throw new Fault(`${address} is recorded twice, also in ${nameOf(pool)}`);
      all.set(address, record);
    }
  }
  return all;
}

/**
 * After everything has ended. `sizes`: how many addresses each automatic pool has that its application asks for, by NIC,
 * family and subnet.
 */
export async function refuseWrongCounts(kube: FakeKube, sizes: ReadonlyMap<string, number>): Promise<void> {
  const pools = (await kube.list(resources.spiderIPPools)).items;
  const found = new Set<string>();
  for (const pool of pools) {
    const size = Number(addressesOf(pool).count);
    const held = recordsIn(pool).size;
    // Excluded addresses are not counted.
    const usable = pool.spec && readPoolNetwork(pool.spec, [])?.addresses;
    refuse(`${nameOf(pool)}: totalIPCount`, pool.status?.totalIPCount, Number(usable?.count));
    refuse(`${nameOf(pool)}: allocatedIPCount`, pool.status?.allocatedIPCount, held);
    if (!isAutomatic(pool)) continue;
    const { labels = {} } = pool.metadata;
    const nic = labels['ipam.spidernet.io/interface'];
    const key = `${nic} ${familyOf(pool)} ${labels['ipam.spidernet.io/owner-spider-subnet']}`;
    const wanted = sizes.get(key);
    // A pod that lives may hold an address of a pool that is asked for no more.
    const isLeft = wanted === undefined || pool.metadata.deletionTimestamp !== undefined;
    if (isLeft && held > 0) continue;
    refuse(`addresses of ${nameOf(pool)}, for ${key}`, size, wanted);
    found.add(key);
  }
  for (const key of sizes.keys()) if (!found.has(key)) throw new Fault(`no automatic pool for ${key}`);
  for (const subnet of (await kube.list(resources.spiderSubnets)).items) refuseWrongCount(subnet, pools);
}

function refuseWrongCount(subnet: SpiderSubnet, pools: readonly SpiderIPPool[]): void {
  const own = pools.filter(({ spec }) => spec?.subnet === subnet.spec?.subnet);
  const size = own.reduce((sum, pool) => sum + Number(addressesOf(pool).count), 0);
  refuse(`${subnet.metadata.name}: allocatedIPCount`, subnet.status?.allocatedIPCount, size);
  const booked = Object.keys(JSON.parse(subnet.status?.controlledIPPools ?? '{}') as object);
  refuse(`bookings of ${subnet.metadata.name}`, booked.sort().join(), own.map(nameOf).sort().join());
}

function refuse(what: string, is: number | string | undefined, wanted: number | string | undefined): void {
  if (is !== wanted) throw new Fault(`${what}: ${is}, but ${wanted ?? 'there must be none'} in the end`);
}

function refuseSharedAddresses(pools: readonly SpiderIPPool[]): void {
  const all: (AddressRange & { readonly pool: string })[] = pools.flatMap((pool) =>
    addressesOf(pool).ranges.map((range) => ({ ...range, pool: nameOf(pool) })),
  );
  all.sort((a, b) => a.first.family - b.first.family || (a.first.value < b.first.value ? -1 : 1));
  for (const [index, { first, pool }] of all.entries()) {
    const before = all[index - 1];
    if (before !== undefined && before.last.family === first.family && before.last.value >= first.value)
      throw new Fault(`${pool} and ${before.pool} have an address together`);
  }
}

/** All addresses of the spec, also those that are excluded. */
function addressesOf(pool: SpiderIPPool): AddressSet {
  const { spec } = pool;
  return AddressSet.parse(familyOf(pool), spec?.ips ?? []);
}

function familyOf({ spec }: SpiderIPPool): 4 | 6 {
  return spec?.subnet?.includes(':') === true ? 6 : 4;
}

function recordsIn(pool: SpiderIPPool): ReadonlyMap<string, RecordedPod> {
  return parseRecords(nameOf(pool), familyOf(pool), pool.status?.allocatedIPs ?? '');
}

function nameOf({ metadata }: SpiderIPPool): string {
  return metadata.name ?? '';
}
