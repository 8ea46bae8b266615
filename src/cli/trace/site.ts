// Where a trace looks: the API, and the namespaces that can be entered from here.

import type { KubeClient } from '#kube';
import type { AskServices } from './socket-call.ts';

/** A namespace that can be opened. */
export interface SitePlace {
  /** For a pod: `namespace/name`. */
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'machine' | 'cables';
  /** For a pod only. */
  readonly node?: string;
  /** `current`, or a path such as those of /run/netns. */
  readonly netns: string;
}

export interface Site {
  readonly client: KubeClient;
  readonly places: readonly SitePlace[];
  /** The node of the places, if only that node is visible: other nodes are assumed. */
  readonly node?: string;
  /** Asks the agent of `node` whether socket calls serve an address. Absent where nobody does. */
  readonly askServices?: AskServices;
  /** The nftables table in which the overlay of the nodes masquerades, if it is a plain one. Without it, the overlay's SNAT is assumed. */
  readonly overlayTable?: string;
  /** The nftables table in which a machine drops IPv6 packets that came by a link other than that of the answer. */
  readonly strictTable?: string;
}
