// Which address the server must see: what the sender chooses, then who masquerades it on the way.

import type { DualStack, LabNode } from '../addressing.ts';
import type { MatrixNic, MatrixPod } from './cast.ts';
import type { PodNetwork } from './pod-kinds.ts';

/** How the lab's overlay is set. */
export interface Setting {
  /** Overlay pods take their node's address where they leave the overlay. */
  readonly natOutgoing: boolean;
  /** How the overlay's packets go from node to node. */
  readonly encapsulation: 'none' | 'vxlan';
}

/** What a packet is sent to, as the sender sees it, and where it ends. */
export type Destination =
  | {
      readonly kind: 'address';
      readonly network: PodNetwork | 'outside';
      /** The sender's own node. */
      readonly ownNode: boolean;
    }
  | { readonly kind: 'ClusterIP'; readonly endpoint: Endpoint }
  | {
      readonly kind: 'NodePort';
      readonly asked: LabNode;
      /** externalTrafficPolicy Local. */
      readonly local: boolean;
      readonly endpoint: Endpoint;
    };

/** Where a Service leads to. */
export interface Endpoint {
  readonly network: PodNetwork;
  readonly node: LabNode;
}

/** The NIC whose address a pod's socket gets: through the node it is eth0's, on a LAN of the pod that LAN's, else the default's. */
export function chosenNic(pod: MatrixPod, to: Destination): MatrixNic | undefined {
  const named = (name: string) => pod.nics.find((nic) => nic.name === name);
  const throughNode =
    to.kind === 'ClusterIP' ||
    (to.kind === 'address' && (to.ownNode || to.network === 'overlay')) ||
    (to.kind === 'NodePort' && to.asked === pod.node);
  if (throughNode) return named('eth0');
  const network = to.kind === 'NodePort' ? 'lan' : to.network;
  return pod.nics.find((nic) => nic.network === network) ?? named(pod.kind.defaultNic);
}

/** An address, and whose it is: of the sender itself, of a NIC of the sender, of its node, of the node that was asked. */
export interface Source {
  readonly whose: string;
  readonly address: DualStack;
}

/** What the server sees of a packet that a pod sends from one of its NICs' addresses. */
export function seenFrom(pod: MatrixPod, nic: MatrixNic, to: Destination, setting: Setting): Source {
  const isOverlay = nic.network === 'overlay';
  const own: Source = { whose: pod.nics.length === 1 ? 'its own' : `its ${nic.name}`, address: nic.address };
  switch (to.kind) {
    case 'address': {
      // What a node takes in itself passes no POSTROUTING.
      const leaves = isOverlay && to.network !== 'overlay' && !to.ownNode;
      return leaves && setting.natOutgoing ? { whose: 'its node', address: pod.node.address } : own;
    }
    case 'ClusterIP': {
      // kube-proxy masquerades what is not of the cluster CIDR, natOutgoing what leaves it.
      const leaves = isOverlay && to.endpoint.network !== 'overlay' && setting.natOutgoing;
      return !isOverlay || leaves ? masqueraded('its node', pod.node, to.endpoint, setting) : own;
    }
    case 'NodePort': {
      if (!to.local) return masqueraded('the asked node', to.asked, to.endpoint, setting);
      const leaves = isOverlay && (to.asked !== pod.node || to.endpoint.network !== 'overlay');
      return leaves && setting.natOutgoing ? { whose: 'its node', address: pod.node.address } : own;
    }
  }
}

/** A machine sends with its own address; NodePort with policy Cluster shows the node that was asked. */
export function seenFromMachine(address: DualStack, to: Destination, setting: Setting): Source {
  return to.kind === 'NodePort' && !to.local
    ? masqueraded('the asked node', to.asked, to.endpoint, setting)
    : { whose: 'its own', address };
}

/**
 * MASQUERADE takes an address of the device that the packet leaves by: of the tunnel, where that is the way. The device of an overlay pod
 * has none: IPv4 then takes the node's first, IPv6 the one most like the pod's, which is the tunnel's (RFC 6724, rule 8).
 */
function masqueraded(whose: string, node: LabNode, endpoint: Endpoint, { encapsulation }: Setting): Source {
  const { address, tunnelAddress } = node;
  if (encapsulation === 'none' || endpoint.network !== 'overlay') return { whose, address };
  if (endpoint.node !== node) return { whose: `${whose}'s tunnel`, address: tunnelAddress };
  return { whose: `${whose} (IPv6: its tunnel)`, address: { 4: address[4], 6: tunnelAddress[6] } };
}
