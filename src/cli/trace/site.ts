// Where a trace looks: the API, and the namespaces that can be entered from here.

import type { KubeClient } from '#kube';

/** A namespace that can be opened. */
export interface SitePlace {
  /** Of a pod `namespace/name`. */
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'machine' | 'cables';
  /** Of a pod. */
  readonly node?: string;
  /** `current`, or a path as of /run/netns. */
  readonly netns: string;
}

export interface Site {
  readonly client: KubeClient;
  readonly places: readonly SitePlace[];
  /** The node where the places are, if those are all that can be looked into: the others are assumed. */
  readonly node?: string;
  /** The nftables table in which the overlay of the nodes masquerades, where it is a plain one; else its SNAT is assumed. */
  readonly overlayTable?: string;
  /** The nftables table in which a machine drops IPv6 packets from where it would not answer them. */
  readonly strictTable?: string;
}
