// Multus' `default-route`. After each NIC's ADD, Multus deletes the NIC's default routes from main. It then adds the
// default routes that the pod asked for.

import { type Address, defaultDestination, type Family } from '#ip';
import { MAIN_TABLE, type Route, RTPROT } from '#net';
import { IPV6_DEFAULT_METRIC } from '../state/index.ts';
import type { Frame, Nic } from './frame.ts';

/** The default route of one family that the pod asked Multus for. */
export interface MultusWish {
  /** The NIC's name, whichever program serves the NIC. */
  readonly nic: string;
  readonly gateway: Address;
}

/**
 * Whether Multus decides about the default routes of main (multus-cni, pkg/multus CmdAdd, types.CheckGatewayConfig).
 */
export function isMultusAtWork(frame: Frame): boolean {
  return wishes(frame) !== undefined;
}

/**
 * Undefined if the pod asks for nothing in this family. If Multus decides, main then has no default route of this
 * family.
 */
export function multusWish(frame: Frame, family: Family): MultusWish | undefined {
  // Multus takes one gateway for each family ("does not support ECMP").
  return wishes(frame)?.find(({ gateway }) => gateway.family === family);
}

/** The NIC that the pod asked for, if the plan has it. It may be added later, or no coordinator serves it. */
export function multusKeeper(frame: Frame, family: Family): Nic | undefined {
  const wish = multusWish(frame, family);
  return wish && frame.nics.find(({ name }) => name === wish.nic);
}

/**
 * Whether main has no default route by this NIC because of Multus. Then even the only NIC needs a table for its
 * replies.
 */
export function isKeptFromMain(frame: Frame, nic: Nic, family: Family): boolean {
  return isMultusAtWork(frame) && multusWish(frame, family)?.nic !== nic.name;
}

/** The route as Multus makes it (netutils.SetDefaultGW): without a metric, source or MTU. */
export function multusRoute({ nic, gateway }: MultusWish): Route {
  return {
    destination: defaultDestination(gateway.family),
    table: MAIN_TABLE,
    type: 'unicast',
    scope: 'global',
    protocol: RTPROT.boot,
    dev: nic,
    gateway,
    ...(gateway.family === 6 && { metric: IPV6_DEFAULT_METRIC }),
  };
}

/** All NICs of a pod have the same annotations. The last ADD read them most recently. */
function wishes({ nics }: Frame) {
  return nics.filter((nic) => nic.ours).findLast(({ settings }) => settings.multusDefaults !== undefined)
    ?.settings.multusDefaults;
}
