// A source of NICs, as a port: a cloud that adds NICs to this node for pods.

import type { CniResult, KubernetesArgs, NeutronNicIpam } from '#api';
import type { Mac } from '#net';
import type { AttachmentKey } from '#plan/network';

/**
 * Gives NICs to attachments, each its own. Every refusal is an OrbError whose code determines the CNI error. After a
 * refusal, the attachment has none, and what was made for it is undone, now or later.
 */
export interface CloudNics {
  /** The NIC of the attachment, which is on the node, down or up. A repeated call gives the same one. */
  take(request: NicRequest): Promise<CloudNic>;
  /** The attachment gives its NIC back, which is on the node again, or is gone. No server is asked. */
  release(owner: AttachmentKey): Promise<void>;
  /** For CHECK: throws CNI_CHECK_FAILED if the cloud does not know the NIC any more. */
  verify(owner: AttachmentKey, signal: AbortSignal): Promise<void>;
}

export interface NicRequest {
  readonly ipam: NeutronNicIpam;
  readonly owner: AttachmentKey;
  /** As far as the runtime names it: it is told of a refusal. */
  readonly pod: Partial<KubernetesArgs>;
  readonly signal: AbortSignal;
}

export interface CloudNic {
  readonly mac: Mac;
  readonly mtuBytes: number | undefined;
  /** Addresses, routes and name servers that its port has. */
  readonly result: CniResult;
}
