// What a release frees: the records of the owner it names, and nothing else.

import type { Address } from '#ip';
import type { PoolLedger } from './ledger.ts';

/** Whose addresses a release frees. The UID fences it: a newer pod of the same name keeps its own. */
export type Release =
  /** Everything of the pod. */
  | { readonly scope: 'pod'; readonly podUid: string }
  /** One NIC; `lastNic` when no other NIC of the pod is attached any more. */
  | { readonly scope: 'nic'; readonly podUid: string; readonly nic: string; readonly lastNic: boolean };

/**
 * The addresses that the release frees. A record without NIC, as Spiderpool writes it, may serve another NIC that is still
 * attached: it goes only with the pod or with its last NIC (Spiderpool frees all at the first DEL).
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
