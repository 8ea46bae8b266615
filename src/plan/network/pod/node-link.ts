// The link between a pod and its node. It is our veth pair, or in overlay mode the overlay's own link if that link
// accepts every source.

import { hostLinkName, POD_LINK, type VethPair, vethMac } from '../state/index.ts';
import type { OverlayNic, PodInput } from './nic.ts';

/** Both ends of the link by which a pod's NICs reach the node, and the node reaches them. */
export interface NodeLink extends VethPair {
  /** We make it, and the node knows the pod only by it. */
  readonly own: boolean;
}

/** The links of the pod's first NIC and of its later NICs. They differ if an overlay serves only its own addresses. */
export interface NodeLinks {
  readonly first: NodeLink;
  readonly others: NodeLink;
}

/**
 * docs/adr/0020 has three cases. A veth of the overlay serves all NICs. A link whose program on the node drops foreign
 * sources serves only its own NIC (Cilium's lxc links and netkit, cni-plugins #143). If eth0 does not lead to the node,
 * our veth serves all NICs.
 */
export function nodeLinksOf(input: PodInput): NodeLinks {
  const { overlay } = input;
  const own = ownLink(input);
  const peer = overlay?.peer;
  if (overlay === undefined || peer === undefined) return { first: own, others: own };
  const theirs = {
    own: false,
    podLink: overlay.name,
    podMac: overlay.mac,
    hostLink: peer.name,
    hostMac: peer.mac,
  };
  return { first: theirs, others: dropsForeignSources(peer) ? own : theirs };
}

function dropsForeignSources(peer: NonNullable<OverlayNic['peer']>): boolean {
  return peer.kind !== 'veth' || peer.name.startsWith('lxc');
}

/** Its name and its MAC addresses depend only on the container, so that NICs may be added and removed. */
function ownLink({ containerId }: PodInput): NodeLink {
  return {
    own: true,
    podLink: POD_LINK,
    podMac: vethMac(containerId, 'pod'),
    hostLink: hostLinkName(containerId),
    hostMac: vethMac(containerId, 'node'),
  };
}
