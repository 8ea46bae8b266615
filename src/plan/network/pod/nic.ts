// The input of a plan: the NICs of a pod as their plugins left them, and the addresses of its node.

import type { Address, Cidr } from '#ip';
import type { Mac, Route } from '#net';
import type { CoordinatorSettings } from '../settings/index.ts';
import type { PodNumbers } from '../state/index.ts';

/** A NIC of the pod, made by any plugin. */
export interface PodNic {
  readonly name: string;
  /** As the previous plugin reported them. Link-local addresses are not included. */
  readonly addresses: readonly Cidr[];
  /** Its routes in table main as its plugin made them: see `nicRoutes`. */
  readonly routes: readonly Route[];
}

/** A NIC that the coordinator configures. */
export interface NicInput extends PodNic {
  /** Its own table. Absent for the pod's first NIC, which main serves. */
  readonly table?: number;
  readonly settings: CoordinatorSettings;
}

/** The pod's first NIC if it belongs to an overlay. We read it, and we change only its default route. */
export interface OverlayNic extends PodNic {
  readonly mac: Mac;
  /** Its peer on the node. Absent if the NIC does not lead to the node, for example a macvlan. */
  readonly peer?: { readonly name: string; readonly mac: Mac; readonly kind: string };
}

/** All NICs of a pod together. */
export interface PodInput {
  readonly containerId: string;
  /** At least one. The pod's first NIC comes first, then the others in the order of their tables: 101, 102 … */
  readonly nics: readonly NicInput[];
  /** Present in overlay mode. It comes before all of `nics`. */
  readonly overlay?: OverlayNic;
  /** See `nodeAddresses`. The first address of a family is the gateway. */
  readonly nodeAddresses: readonly Address[];
  /** Absent in records of older agents: the usual numbers apply. */
  readonly numbers?: PodNumbers;
  /** A NIC that is being removed. Its default route must not stay. */
  readonly leaving?: PodNic;
}
