// An automatic pool as its plan sees it: its addresses, and which of them pods hold.

import type { SpiderIPPool } from '#api';
import { errorText, OrbError } from '#base';
import { AddressSet, parseAddress } from '#ip';
import { parseRecords } from '#plan/ipam';
import { revisionOf } from './auto-pool.ts';
import { networkOfPool } from './pool-write.ts';

export interface PoolSight {
  readonly object: SpiderIPPool;
  readonly name: string;
  readonly uid: string;
  /** All addresses of the spec, also those that no pod can get. */
  readonly addresses: AddressSet;
  /** The addresses that pods hold. */
  readonly inUse: AddressSet;
  /** The revision of its booking that it has. */
  readonly revision: number;
}

/** @throws OrbError IPPOOL_INVALID, IPPOOL_STATUS_INVALID: nothing may be decided about such a pool */
export function seePool(object: SpiderIPPool): PoolSight {
  const { name = '', uid = '' } = object.metadata;
  const network = networkOfPool(object);
  if (network === undefined) {
    const subject = `SpiderIPPool ${name}`;
    throw new OrbError('IPPOOL_INVALID', { message: `${subject}: spec.subnet is missing or wrong`, subject });
  }
  const records = parseRecords(name, network.family, object.status?.allocatedIPs ?? '');
  return {
    object,
    name,
    uid,
    addresses: network.addresses.union(network.unusable),
    inUse: AddressSet.ofAddresses(network.family, Array.from(records.keys(), parseAddress)),
    revision: revisionOf(object),
  };
}

/** The pool, or why it cannot be read. */
export function trySeePool(object: SpiderIPPool): PoolSight | string {
  try {
    return seePool(object);
  } catch (error) {
    if (error instanceof OrbError) return errorText(error);
    throw error;
  }
}
