// What a release frees: only the records of the owner that it names.

import type { Address } from '#ip';
import type { PoolLedger } from './ledger.ts';
import { claimOfRecord } from './nic-owner.ts';

/** Whose addresses a release frees. The UID protects a newer pod with the same name: that pod keeps its addresses. */
export type Release =
  /** All addresses of the pod: no NIC of it is attached any more. */
  | { readonly scope: 'pod'; readonly podUid: string }
  /** The addresses of one NIC. Another NIC of the pod is still attached. */
  | { readonly scope: 'nic'; readonly podUid: string; readonly nic: string };

/**
 * The addresses that the release frees. A record without NIC comes from Spiderpool. It may serve another NIC that is
 * still attached. So it is freed only with the whole pod (Spiderpool frees all at the first DEL). What an IPAMClaim keeps
 * is not freed: reclaiming does it when the claim is gone.
 */
export function releasedBy(ledger: PoolLedger, release: Release): Address[] {
  return ledger
    .addressesOf(release.podUid)
    .filter(({ nic }) => release.scope === 'pod' || nic === release.nic)
    .filter(({ address }) => claimOfRecord(ledger.holderOf(address)?.pod ?? '') === undefined)
    .map(({ address }) => address);
}
