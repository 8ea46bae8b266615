// Whether a pod with fixed addresses takes over what an earlier pod of its name left, or gives it up.

import { type Address, sameAddress } from '#ip';
import type { FamilyCandidates } from './candidates.ts';
import type { PoolCatalog } from './catalog.ts';
import { type FilterContext, unservedReason } from './filters.ts';
import type { PodHolder } from './pod-holder.ts';

/** An address that an earlier pod of the same name left for an interface. */
export interface LeftAddress {
  readonly pool: string;
  readonly address: Address;
}

/**
 * A virtual machine keeps its address in any case: its guest knows only this one. An IPAMClaim does so too. A
 * StatefulSet's pod gives it up when it requests another one, or when the pool is no candidate any more, or is being
 * deleted. A disabled pool keeps what it gave.
 */
export function takesOver(
  { pool: name, address }: LeftAddress,
  fixedTo: PodHolder['fixedTo'] | 'IPAMClaim',
  nic: string,
  { family, pools, requested }: FamilyCandidates,
  catalog: PoolCatalog,
  context: FilterContext,
): boolean {
  if (fixedTo === 'VirtualMachineInstance' || fixedTo === 'IPAMClaim') return true;
  if (requested !== undefined && !sameAddress(requested.address, address)) return false;
  const pool = catalog.pools.get(name);
  if (pool === undefined || pool.terminating || !pools.includes(name)) return false;
  return unservedReason(pool, nic, family, context) === undefined;
}
