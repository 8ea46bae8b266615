// Which records of a pool the provider of an IaaS must let go of before they are dropped.

import type { Address } from '#ip';
import { type PoolLedger, type Release, releasedBy } from '../ipam/index.ts';
import type { BoundAddress, IaasPod } from './contract.ts';

/** What the release frees and the provider may have bound. */
export function boundBy(ledger: PoolLedger, release: Release): BoundAddress[] {
  return releasedBy(ledger, release).flatMap((address) => boundAddress(ledger, address) ?? []);
}

/** Undefined if nobody has asked the provider to bind the address. */
export function boundAddress(ledger: PoolLedger, address: Address): BoundAddress | undefined {
  const { pod, podUid, iaas } = ledger.holderOf(address) ?? {};
  if (pod === undefined || podUid === undefined || iaas === undefined) return undefined;
  const { node, parentNicMac } = iaas;
  return { node, parentNicMac, pod: podOfRecord(pod, podUid), address, subnet: ledger.pool.subnet };
}

/** `holder` is the name in a record: `namespace/name`. */
export function podOfRecord(holder: string, uid: string): IaasPod {
  const [namespace = '', name = ''] = holder.split('/');
  return { namespace, name, uid };
}
