// In whose name each NIC of a pod holds its addresses: the pod's, or that of the IPAMClaim which the NIC names.

import type { AddressOwner } from './ledger.ts';

/** A pod as the owner of addresses. */
export interface PodOwner extends Omit<AddressOwner, 'nic'> {
  /** The NICs that name an IPAMClaim, and the name of the claim. It is in the pod's namespace. */
  readonly claims?: ReadonlyMap<string, string>;
}

/** No pod and no virtual machine can have a name with a colon. So no record of theirs looks like one of a claim. */
const CLAIM_PREFIX = 'ipamclaim:';

/** The owner of the NIC's addresses. The next pod that names the claim takes them over. */
export function nicOwner({ pod, podUid, fixed, claims }: PodOwner, nic: string): AddressOwner {
  const claim = claims?.get(nic);
  if (claim === undefined) return { pod, podUid, nic, ...(fixed !== undefined && { fixed }) };
  const namespace = pod.slice(0, pod.indexOf('/'));
  return { pod: recordOfClaim(namespace, claim), podUid, nic, fixed: true };
}

/** In whose name a record is one of the claim. */
export function recordOfClaim(namespace: string, name: string): string {
  return `${namespace}/${CLAIM_PREFIX}${name}`;
}

/** The claim that a record belongs to. Undefined if the record is one of a pod or a virtual machine. `pod` is of the record. */
export function claimOfRecord(
  pod: string,
): { readonly namespace: string; readonly name: string } | undefined {
  const [namespace = '', name = ''] = pod.split('/');
  if (!name.startsWith(CLAIM_PREFIX)) return undefined;
  return { namespace, name: name.slice(CLAIM_PREFIX.length) };
}
