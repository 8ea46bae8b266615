// Who holds an address, as the pools record it: for every pool in whose subnet the address is.

import type { PoolAllocation, SpiderIPPool } from '#api';
import { errorText, isOrbError } from '#base';
import { type Address, cidrContains, formatAddress, formatCidr } from '#ip';
import { PoolLedger } from './ledger.ts';
import { closedReason } from './pool.ts';
import type { ReservedAddresses } from './reserved.ts';

/**
 * What an address is in one pool. `outside`: in the subnet of the pool, but not in its ranges. `quarantined`: a pod could
 * have it, but another machine uses it. `unready`: the provider of the pool has not made it ready.
 */
export type AddressState =
  | 'held'
  | 'free'
  | 'quarantined'
  | 'reserved'
  | 'unready'
  | 'excluded'
  | 'unusable'
  | 'outside';

/** What one pool knows of an address. */
export interface Whereabouts {
  readonly pool: string;
  /** The network of the pool, as a CIDR. */
  readonly subnet: string;
  readonly state: AddressState;
  /** Who holds it, if the state is `held`. */
  readonly holder: PoolAllocation | undefined;
  /** Why the pool gives out no address now. Undefined if it does. */
  readonly closed: string | undefined;
}

/** A pool that cannot be read, so that it does not tell who holds its addresses. */
export interface UnreadablePool {
  readonly pool: string;
  readonly error: string;
}

/** Pools whose subnet does not contain the address are left out. */
export function whereaboutsOf(
  address: Address,
  objects: Iterable<SpiderIPPool>,
  reserved: ReservedAddresses,
  isQuarantined: boolean,
): { readonly found: Whereabouts[]; readonly unreadable: UnreadablePool[] } {
  const found: Whereabouts[] = [];
  const unreadable: UnreadablePool[] = [];
  for (const object of objects) {
    try {
      const ledger = PoolLedger.read(object);
      const { name, subnet } = ledger.pool;
      const holder = ledger.records.get(formatAddress(address));
      // A holder keeps its address when the subnet is changed.
      if (holder === undefined && !cidrContains(subnet, address)) continue;
      const unheld = unheldState(address, ledger, reserved);
      const unused = unheld === 'free' && isQuarantined ? 'quarantined' : unheld;
      const state = holder === undefined ? unused : 'held';
      found.push({
        pool: name,
        subnet: formatCidr(subnet),
        state,
        holder,
        closed: closedReason(ledger.pool),
      });
    } catch (error) {
      if (!isOrbError(error)) throw error;
      unreadable.push({ pool: object.metadata.name ?? '', error: errorText(error) });
    }
  }
  return { found, unreadable };
}

function unheldState(address: Address, { pool }: PoolLedger, reserved: ReservedAddresses): AddressState {
  if (pool.excluded.contains(address)) return 'excluded';
  if (pool.unusable.contains(address)) return 'unusable';
  if (!pool.addresses.contains(address)) return 'outside';
  if (reserved[address.family].contains(address)) return 'reserved';
  return pool.provision?.ready.contains(address) === false ? 'unready' : 'free';
}
