// Which address the server must see: what the sender chooses, then who masquerades it on the way.

import type { DualStack, LabNode } from '../addressing.ts';
import type { MatrixNic, MatrixPod } from './cast.ts';
import type { PodNetwork } from './pod-kinds.ts';

/** How the lab's overlay is set. */
export interface Setting {
  /** Overlay pods take their node's address where they leave the overlay. */
  readonly natOutgoing: boolean;
}

/** What a packet is sent to, as the sender sees it, and where it ends. */
export type Destination =
  | {
      readonly kind: 'address';
      readonly network: PodNetwork | 'outside';
      /** The sender's own node. */
      readonly ownNode: boolean;
    }
  | { readonly kind: 'ClusterIP'; readonly endpoint: PodNetwork }
  | {
      readonly kind: 'NodePort';
      readonly asked: LabNode;
      /** externalTrafficPolicy Local. */
      readonly local: boolean;
      readonly endpoint: PodNetwork;
    };

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

/** What the server sees of a packet that a pod sends from one of its NICs' addresses. */
export function seenFrom(
  pod: MatrixPod,
  nic: MatrixNic,
  to: Destination,
  { natOutgoing }: Setting,
): DualStack {
  const isOverlay = nic.network === 'overlay';
  const node = pod.node.address;
  switch (to.kind) {
    case 'address': {
      // What a node takes in itself passes no POSTROUTING.
      const leaves = isOverlay && to.network !== 'overlay' && !to.ownNode;
      return leaves && natOutgoing ? node : nic.address;
    }
    case 'ClusterIP': {
      // kube-proxy masquerades what is not of the cluster CIDR, natOutgoing what leaves it.
      const leaves = isOverlay && to.endpoint !== 'overlay' && natOutgoing;
      return !isOverlay || leaves ? node : nic.address;
    }
    case 'NodePort': {
      if (!to.local) return to.asked.address;
      const leaves = isOverlay && (to.asked !== pod.node || to.endpoint !== 'overlay');
      return leaves && natOutgoing ? node : nic.address;
    }
  }
}
