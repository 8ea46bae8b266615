// Who holds addresses of pools, for conditions.

import { type SpiderIPPool, unreadableNote } from '#api';
import { isOrbError } from '#base';
import { PoolLedger } from '#plan/ipam';

/** `pod (address)` of each record. Undefined if a pool cannot be read: then nobody knows. */
export function holdersOf(pools: readonly SpiderIPPool[]): string[] | undefined {
  if (pools.some((pool) => unreadableNote(pool) !== undefined)) return undefined;
  try {
    return pools.flatMap((pool) =>
      (pool.status?.allocatedIPs ?? '') === ''
        ? []
        : Array.from(PoolLedger.read(pool).records, ([address, { pod }]) => `${pod} (${address})`),
    );
  } catch (error) {
    if (isOrbError(error)) return undefined;
    throw error;
  }
}
