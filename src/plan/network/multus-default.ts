// Multus' `default-route`: after each NIC's ADD it deletes the NIC's default routes from main, and gives main those that the pod asked for.

import { type Address, defaultDestination, type Family } from '#ip';
import { MAIN_TABLE, type Route, RTPROT } from '#net';
import type { Frame, Nic } from './frame.ts';
import { IPV6_DEFAULT_METRIC } from './numbers.ts';

/** What the pod asked of Multus for one family. */
export interface MultusWish {
  /** The NIC's name, whoever serves it. */
  readonly nic: string;
  readonly gateway: Address;
}

/** Whether Multus decides about main's default routes (multus-cni, pkg/multus CmdAdd, types.CheckGatewayConfig). */
export function isMultusAtWork(frame: Frame): boolean {
  return wishes(frame) !== undefined;
}

/** Undefined where nothing is asked for the family. Where Multus is at work, main then has no default route of this family. */
export function multusWish(frame: Frame, family: Family): MultusWish | undefined {
  // Multus takes one for each family ("does not support ECMP").
  return wishes(frame)?.find(({ gateway }) => gateway.family === family);
}

/** The NIC that was asked for, where the plan has it: it may come later, or be served by no coordinator. */
export function multusKeeper(frame: Frame, family: Family): Nic | undefined {
  const wish = multusWish(frame, family);
  return wish && frame.nics.find(({ name }) => name === wish.nic);
}

/** Whether main has no default route by this NIC, because of Multus: then even the only NIC needs a table for what it answers. */
export function isKeptFromMain(frame: Frame, nic: Nic, family: Family): boolean {
  return isMultusAtWork(frame) && multusWish(frame, family)?.nic !== nic.name;
}

/** As Multus makes it (netutils.SetDefaultGW): without a metric, source or MTU. */
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

/** The pod's annotations are the same for all its NICs; the last ADD has read them last. */
function wishes({ nics }: Frame) {
  return nics.filter((nic) => nic.ours).findLast(({ settings }) => settings.multusDefaults !== undefined)
    ?.settings.multusDefaults;
}
