// The bookings and counts of a subnet, repaired from the pools that exist.

import type { SpiderIPPool } from '#api';
import { sameCidr } from '#ip';
import { applicationOf, isAutomatic, revisionOf } from './auto-pool.ts';
import { type Booking, isSettled, settled, wanting } from './booking.ts';
import type { PoolIndex } from './pool-index.ts';
import type { SubnetLedger } from './subnet-ledger.ts';

/**
 * Removes bookings of pools that are gone, and adds bookings of pools that have none. Pools that users write get their
 * bookings only here. A pool that cannot be read keeps its booking. The ledger must be read before the pools. A booking gets its UID after its pool exists, so a pool
 * that is missing then is gone for good.
 */
export function planSubnet(ledger: SubnetLedger, pools: PoolIndex): SubnetLedger {
  const inside = pools.in(ledger).filter((pool) => sameNetwork(ledger, pool, pools));
  const byName = new Map(inside.map((pool) => [pool.metadata.name ?? '', pool]));
  let repaired = ledger;
  for (const [name, { uid }] of ledger.bookings) {
    if (isUnread(pools.get(name), pools)) continue;
    const pool = byName.get(name);
    const isGone = pool === undefined || (uid !== undefined && uid !== pool.metadata.uid);
    if (isGone || !isAutomatic(pool)) repaired = repaired.with(name, undefined);
  }
  const automatic = inside.filter(isAutomatic);
  for (const pool of automatic) repaired = withPool(repaired, pool, pools);
  for (const pool of inside.filter((one) => !isAutomatic(one))) repaired = withPool(repaired, pool, pools);
  return repaired;
}

/** Nobody knows what such a pool has, and pods may hold addresses of it. So its booking stays. */
function isUnread(pool: SpiderIPPool | undefined, pools: PoolIndex): boolean {
  return pool !== undefined && pools.network(pool) === undefined;
}

/** An address belongs to the pool that had it first. Admission refuses the second one where it can. */
function withPool(ledger: SubnetLedger, pool: SpiderIPPool, pools: PoolIndex): SubnetLedger {
  const { name = '', uid } = pool.metadata;
  const stored = ledger.bookings.get(name);
  const network = pools.network(pool);
  if (network === undefined) return ledger;
  if (stored !== undefined) {
    // Nobody plans a pool that its application asks for no more. What it gave back before is free all the same.
    const has = network.addresses.union(network.unusable);
    const isDone = uid === stored.uid && revisionOf(pool) === stored.revision && has.equals(stored.wanted);
    return isDone && !isSettled(stored) ? ledger.with(name, settled(stored)) : ledger;
  }
  const own = network.addresses.intersection(ledger.network.addresses).difference(ledger.heldByOthers(name));
  if (own.isEmpty) return ledger;
  const booking: Booking = { uid: undefined, application: undefined, held: own, wanted: own, revision: 0 };
  if (!isAutomatic(pool)) return ledger.with(name, booking);
  const revision = revisionOf(pool);
  return ledger.with(
    name,
    wanting({ ...booking, uid, application: applicationOf(pool), revision }, own, revision),
  );
}

function sameNetwork({ network }: SubnetLedger, pool: SpiderIPPool, pools: PoolIndex): boolean {
  const theirs = pools.network(pool);
  return theirs !== undefined && sameCidr(theirs.subnet, network.subnet);
}
