// What a plan is made of: the NICs of a pod as their plugins left them, and the addresses of its node.

import type { Address, Cidr } from '#ip';
import type { Mac, Route } from '#net';
import type { PodNumbers } from './foreign-use.ts';
import type { CoordinatorSettings } from './settings.ts';

/** A NIC of the pod, whoever made it. */
export interface PodNic {
  readonly name: string;
  /** As the plugin before us reported them; link-local ones do not count. */
  readonly addresses: readonly Cidr[];
  /** Its routes in table main as its plugin made them: see `nicRoutes`. */
  readonly routes: readonly Route[];
}

/** A NIC that the coordinator works on. */
export interface NicInput extends PodNic {
  /** Its own table; absent for the pod's first NIC, which main serves. */
  readonly table?: number;
  readonly settings: CoordinatorSettings;
}

/** The pod's first NIC where it is an overlay's: read, and left as it is but for its default route. */
export interface OverlayNic extends PodNic {
  readonly mac: Mac;
  /** The node's end of it; absent where the NIC does not lead to the node, as a macvlan's does not. */
  readonly peer?: { readonly name: string; readonly mac: Mac; readonly kind: string };
}

/** All NICs of a pod at once. */
export interface PodInput {
  readonly containerId: string;
  /** At least one, in the order of their tables: the pod's first NIC, then 101, 102 … */
  readonly nics: readonly NicInput[];
  /** Present in overlay mode, where it comes before all of `nics`. */
  readonly overlay?: OverlayNic;
  /** See `nodeAddresses`: the first of a family is the gateway. */
  readonly nodeAddresses: readonly Address[];
  /** Absent in what older agents recorded: the usual ones. */
  readonly numbers?: PodNumbers;
  /** A NIC that is being taken away: its default route must not stay behind. */
  readonly leaving?: PodNic;
}
