// Which address the server must see: the address that the sender chooses, then masquerading on the path.

import type { DualStack, LabNode } from '../addressing.ts';
import type { MatrixNic, MatrixPod } from './cast.ts';
import type { PodNetwork } from './pod-kinds.ts';

/** The settings of the lab's overlay. */
export interface Setting {
  /** Packets of overlay pods get their node's address when they leave the overlay. */
  readonly natOutgoing: boolean;
  /** How packets of the overlay travel from node to node. */
  readonly encapsulation: 'none' | 'vxlan';
}

/** The destination of a packet as the sender sees it, and where the packet ends. */
export type Destination =
  | {
      readonly kind: 'address';
      readonly network: PodNetwork | 'outside';
      /** Whether the destination is the sender's own node. */
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

/** The endpoint of a Service. */
export interface Endpoint {
  readonly network: PodNetwork;
  readonly node: LabNode;
}

/**
 * The NIC whose address a pod's socket gets. It is eth0 for paths through the node, and the LAN's NIC for a LAN of the pod. Otherwise it is
 * the NIC with the default route.
 */
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

/** An address and its owner: the sender itself, a NIC of the sender, its node, or the node that was asked. */
export interface Source {
  readonly whose: string;
  readonly address: DualStack;
}

/** The address that the server sees when a pod sends from the address of one of its NICs. */
export function seenFrom(pod: MatrixPod, nic: MatrixNic, to: Destination, setting: Setting): Source {
  const isOverlay = nic.network === 'overlay';
  const own: Source = { whose: pod.nics.length === 1 ? 'its own' : `its ${nic.name}`, address: nic.address };
  switch (to.kind) {
    case 'address': {
      // A packet to the node itself does not pass POSTROUTING.
      const leaves = isOverlay && to.network !== 'overlay' && !to.ownNode;
      return leaves && setting.natOutgoing ? { whose: 'its node', address: pod.node.address } : own;
    }
    case 'ClusterIP': {
      // kube-proxy masquerades senders outside the cluster CIDR; natOutgoing masquerades packets that leave it.
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

/** A machine sends with its own address. For a NodePort with policy Cluster, the server sees the node that was asked. */
export function seenFromMachine(address: DualStack, to: Destination, setting: Setting): Source {
  return to.kind === 'NodePort' && !to.local
    ? masqueraded('the asked node', to.asked, to.endpoint, setting)
    : { whose: 'its own', address };
}

/**
 * MASQUERADE uses an address of the device by which the packet leaves. If that is the tunnel, it is the tunnel's address. The device of an
 * overlay pod has no address. Then IPv4 uses the node's first address. IPv6 uses the address most similar to the pod's, which is the
 * tunnel's (RFC 6724, rule 8).
 */
function masqueraded(whose: string, node: LabNode, endpoint: Endpoint, { encapsulation }: Setting): Source {
  const { address, tunnelAddress } = node;
  if (encapsulation === 'none' || endpoint.network !== 'overlay') return { whose, address };
  if (endpoint.node !== node) return { whose: `${whose}'s tunnel`, address: tunnelAddress };
  return { whose: `${whose} (IPv6: its tunnel)`, address: { 4: address[4], 6: tunnelAddress[6] } };
}
