// The way between a pod and its node: our veth pair, or in overlay mode the overlay's where it lets every source through.

import type { VethPair } from './desired.ts';
import { vethMac } from './mac.ts';
import type { OverlayNic, PodInput } from './nic.ts';
import { hostLinkName, POD_LINK } from './numbers.ts';

export interface Way extends VethPair {
  /** We make it, and the node knows the pod by it alone. */
  readonly own: boolean;
}

/** Ways of the pod's first NIC and of those after it: they differ where an overlay serves only its own addresses. */
export interface Ways {
  readonly first: Way;
  readonly others: Way;
}

/**
 * docs/adr/0020: a veth of the overlay serves all; where its program on the node's end drops foreign sources (Cilium's lxc links and
 * netkit, cni-plugins #143) it serves its own NIC alone; where eth0 does not lead to the node, ours serves all.
 */
export function waysOf(input: PodInput): Ways {
  const { overlay } = input;
  const own = ownWay(input);
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

/** Named and addressed after the container alone, so that NICs may come and go. */
function ownWay({ containerId }: PodInput): Way {
  return {
    own: true,
    podLink: POD_LINK,
    podMac: vethMac(containerId, 'pod'),
    hostLink: hostLinkName(containerId),
    hostMac: vethMac(containerId, 'node'),
  };
}
