// podCIDRType auto: which overlay network the nodes use.

import type { Node } from '#api';
import { type ClusterCni, clusterCniOf } from './cluster-cni.ts';

/** `node`: pods have addresses of spec.podCIDRs. `unknown`: no network that we can find. */
export type Overlay = 'calico' | 'cilium' | 'flannel' | 'node' | 'unknown';

/** The plugin says more than the name: GKE calls a configuration of `ptp` k8s-pod-network. */
const byType: Readonly<Record<string, Overlay>> = {
  calico: 'calico',
  'cilium-cni': 'cilium',
  flannel: 'flannel',
  antrea: 'node',
  kindnet: 'node',
  ptp: 'node',
};

/** Names of Spiderpool's detection, and of flannel's own manifests. */
const byName: Readonly<Record<string, Overlay>> = {
  calico: 'calico',
  'k8s-pod-network': 'calico',
  cilium: 'cilium',
  flannel: 'flannel',
  cbr0: 'flannel',
  kindnet: 'node',
  antrea: 'node',
};

/** flannel's own mark on its nodes. */
const FLANNEL_ANNOTATION = 'flannel.alpha.coreos.com/kube-subnet-manager';

/** What one node uses, and the words for it. */
export interface DetectedOverlay {
  readonly overlay: Overlay;
  /** The name of the CNI configuration. Empty if the node has none. */
  readonly name: string;
}

/**
 * What the nodes use, each once. While a cluster changes its CNI, there are two. Empty if no node has said anything.
 */
export function detectedOverlays(nodes: readonly Node[]): DetectedOverlay[] {
  const said = nodes.flatMap((node): DetectedOverlay[] => {
    const cni = clusterCniOf(node);
    const isFlannel = node.metadata.annotations?.[FLANNEL_ANNOTATION] === 'true';
    if (cni === undefined) return isFlannel ? [{ overlay: 'flannel', name: 'flannel' }] : [];
    const overlay = overlayOf(cni);
    return [{ overlay: overlay === 'unknown' && isFlannel ? 'flannel' : overlay, name: cni.name }];
  });
  return [...new Map(said.map((each) => [each.overlay, each])).values()];
}

function overlayOf({ name, types }: ClusterCni): Overlay {
  const typed = types.flatMap((type) => byType[type] ?? []);
  if (types.length > 0) return typed[0] ?? 'unknown';
  return byName[name] ?? 'unknown';
}
