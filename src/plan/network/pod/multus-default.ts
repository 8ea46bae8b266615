// Multus' `default-route`. After each NIC's ADD, Multus deletes the NIC's default routes from main. It then adds the
// default routes that the pod asked for.

import { type Address, defaultDestination, type Family } from '#ip';
import { MAIN_TABLE, type Route, RTPROT } from '#net';
import { IPV6_DEFAULT_METRIC } from '../state/index.ts';
import type { Nic, PlanContext } from './plan-context.ts';

/** The default route of one family that the pod asked Multus for. */
export interface MultusRequest {
  /** The NIC's name, whichever program serves the NIC. */
  readonly nic: string;
  readonly gateway: Address;
}

/**
 * Whether Multus decides about the default routes of main (multus-cni, pkg/multus CmdAdd, types.CheckGatewayConfig).
 */
export function isMultusAtWork(context: PlanContext): boolean {
  return requests(context) !== undefined;
}

/**
 * Undefined if the pod asks for nothing in this family. If Multus decides, main then has no default route of this
 * family.
 */
export function multusRequest(context: PlanContext, family: Family): MultusRequest | undefined {
  // Multus takes one gateway for each family ("does not support ECMP").
  return requests(context)?.find(({ gateway }) => gateway.family === family);
}

/** The NIC that the pod asked for, if the plan has it. It may be added later, or no coordinator serves it. */
export function multusKeeper(context: PlanContext, family: Family): Nic | undefined {
  const request = multusRequest(context, family);
  return request && context.nics.find(({ name }) => name === request.nic);
}

/**
 * Whether main has no default route by this NIC because of Multus. Then even the only NIC needs a table for its
 * replies.
 */
export function isKeptFromMain(context: PlanContext, nic: Nic, family: Family): boolean {
  return isMultusAtWork(context) && multusRequest(context, family)?.nic !== nic.name;
}

/** The route as Multus makes it (netutils.SetDefaultGW): without a metric, source or MTU. */
export function multusRoute({ nic, gateway }: MultusRequest): Route {
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
function requests({ nics }: PlanContext) {
  return nics.filter((nic) => nic.ours).findLast(({ settings }) => settings.multusDefaults !== undefined)
    ?.settings.multusDefaults;
}
