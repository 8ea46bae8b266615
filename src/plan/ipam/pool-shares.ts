// What the addresses of a pool are: free, held, or why no pod gets them. Everything is sets of ranges, so a /64 costs no
// more than a /28.

import type { AddressSet } from '#ip';
import type { PoolLedger } from './ledger.ts';
import type { ReservedAddresses } from './reserved.ts';

/** No address is in two of the sets. */
export interface PoolShares {
  /** Nobody holds them, and nothing keeps them back. */
  readonly free: AddressSet;
  /** The pool has a record of them. Some may be outside the pool's ranges, if these were changed. */
  readonly held: AddressSet;
  /** Another machine was seen to use them. */
  readonly quarantined: AddressSet;
  /** SpiderReservedIPs reserve them. */
  readonly reserved: AddressSet;
  /** The provider of the pool has not made them ready. */
  readonly unready: AddressSet;
  /** `spec.excludeIPs`, without those that are still held. */
  readonly excluded: AddressSet;
  /** In `spec.ips`, but no machine may have them: network, broadcast and subnet-router anycast address. */
  readonly unusable: AddressSet;
}

/** `quarantined` may have addresses that the pool does not have. */
export function poolShares(
  { pool, free, offered, held }: PoolLedger,
  allReserved: ReservedAddresses,
  allQuarantined: AddressSet,
): PoolShares {
  const reserved = free.intersection(allReserved[pool.family]);
  const quarantined = free.intersection(allQuarantined).difference(reserved);
  const keptBack = reserved.union(quarantined);
  return {
    free: offered.difference(keptBack),
    ...{ held, quarantined, reserved, unready: free.difference(offered).difference(keptBack) },
    excluded: pool.excluded.difference(held),
    unusable: pool.unusable.difference(held),
  };
}
