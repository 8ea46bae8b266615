// What a release frees: only the records of the owner that it names.

import type { Address } from '#ip';
import type { PoolLedger } from './ledger.ts';

/** Whose addresses a release frees. The UID protects a newer pod with the same name: that pod keeps its addresses. */
export type Release =
  /** All addresses of the pod. */
  | { readonly scope: 'pod'; readonly podUid: string }
  /** The addresses of one NIC. `lastNic` is true if no other NIC of the pod is still attached. */
  | { readonly scope: 'nic'; readonly podUid: string; readonly nic: string; readonly lastNic: boolean };

/**
 * The addresses that the release frees. A record without NIC comes from Spiderpool. It may serve another NIC that is
 * still attached. So it is freed only with the pod or with its last NIC (Spiderpool frees all at the first DEL).
 */
export function releasedBy(ledger: PoolLedger, release: Release): Address[] {
  return ledger
    .addressesOf(release.podUid)
    .filter(({ nic }) => {
      if (release.scope === 'pod') return true;
      return nic === undefined ? release.lastNic : nic === release.nic;
    })
    .map(({ address }) => address);
}
