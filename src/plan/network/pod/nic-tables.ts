// Tables of the NICs of a pod with several NICs, or of a NIC that Multus keeps out of main. Replies leave by the NIC that
// got the request, and every table reaches the node and Services.

import type { Family } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route, RTPROT, type Rule } from '#net';
import { gatewayRoute, sourceRule } from '../state/index.ts';
import { defaultRoutes, keeperOf, type NicWithTable } from './default-route.ts';
import { hijackRoutes, nodeRoutes } from './hijack.ts';
import { isKeptFromMain } from './multus-default.ts';
import { hasFamily, type Nic, nicOnLan, type PlanContext } from './plan-context.ts';

/** One `from` rule for each address. */
export function sourceRules(context: PlanContext, moved: readonly NicWithTable[]): Rule[] {
  return [...moved, ...keepersWithTable(context, moved)].flatMap(({ nic, family, table }) =>
    nic.addresses
      .filter((cidr) => cidr.address.family === family)
      .map((cidr) => sourceRule(cidr.address, table)),
  );
}

export function nicTableRoutes(context: PlanContext, moved: readonly NicWithTable[]): Route[] {
  return [
    ...moved.flatMap((one) => tableOf(context, one)),
    ...keepersWithTable(context, moved).flatMap((one) =>
      isOverlays(one.nic) ? defaultsOf(one) : tableOf(context, one),
    ),
  ];
}

/**
 * The NIC that keeps main's default route, if other NICs have its family too. Main also leads to the LANs of the other
 * NICs. Replies of this NIC must not go there (docs/adr/0028), so its address has a rule and a table of its own. The same
 * holds for a NIC alone that Multus keeps out of main.
 */
function keepersWithTable(context: PlanContext, moved: readonly NicWithTable[]): NicWithTable[] {
  return context.families.flatMap((family) => {
    const keeper = keeperOf(context, family);
    if (keeper === undefined || !hasFamily(keeper, family)) return [];
    const isAlone =
      context.nics.every((nic) => nic === keeper || !hasFamily(nic, family)) &&
      !isKeptFromMain(context, keeper, family);
    const isTuned = keeper.ours ? keeper.settings.tunePodRoutes : moved.some((one) => one.family === family);
    return isAlone || !isTuned ? [] : [{ nic: keeper, family, table: keepersTable(context, keeper, family) }];
  });
}

/**
 * Which table this NIC uses. A later NIC has its own, unless the first NIC needs it. The first NIC uses the table of
 * replies if it is an overlay's link that leads to the node: then both go the same way. Otherwise it uses `besideTable`.
 */
function keepersTable(context: PlanContext, keeper: Nic, family: Family): number {
  const { replyTable, besideTable } = context.numbers;
  if (keeper.table !== undefined && !hasFamily(context.first, family)) return keeper.table;
  const goesAsReplies = context.ownLink === undefined && defaultRoutes(keeper, family).length > 0;
  return keeper === context.first && goesAsReplies ? replyTable : besideTable;
}

/**
 * The overlay's own link leads to every destination of its NIC. Its address needs only its default route (Spiderpool
 * #3683).
 */
function isOverlays({ ours, nodeLink }: Nic): boolean {
  return !ours && !nodeLink.own;
}

function defaultsOf({ nic, family, table }: NicWithTable): Route[] {
  return defaultRoutes(nic, family).map((route) => copy(route, table));
}

/** Routes to the node, the NIC's own routes, routes through the node, and the user's routes through the NIC. */
function tableOf(context: PlanContext, { nic, family, table }: NicWithTable): Route[] {
  const own = nic.routes.filter(
    (route) => route.destination.address.family === family && !mainFollows(context, nic, route),
  );
  return [
    ...nodeRoutes(context, nic.nodeLink, table, family),
    ...linksFirst(own).map((route) => copy(route, table)),
    ...hijackRoutes(context, nic.settings.hijackedNetworks, nic.nodeLink, table, family),
    ...(nic.ours ? policyRoutes(context, nic, table, family) : []),
  ];
}

/**
 * The user's routes of every NIC. In the NIC's table they serve only packets from its address. A program that sets no
 * source would still take the default route (Spiderpool #5700). If several lead to one network, the route of the first
 * NIC wins, because its ADD comes first.
 */
export function policyRoutesInMain(context: PlanContext): Route[] {
  const ours = context.nics.filter((nic) => nic.ours);
  return ours.flatMap((nic) =>
    context.families.flatMap((family) => policyRoutes(context, nic, MAIN_TABLE, family)),
  );
}

function policyRoutes(context: PlanContext, nic: Nic, table: number, family: Family): Route[] {
  return nic.settings.policyRoutes
    .filter(({ destination }) => destination.address.family === family && hasFamily(nic, family))
    .filter(({ destination }) => destination.prefixLength > 0 && nicOnLan(context, destination) === undefined)
    .map(({ destination, gateway }) => gatewayRoute(destination, gateway, nic.name, table));
}

/**
 * A router advertisement renews or ends the default route in main of the NIC that main serves. A copy would outlive the
 * router.
 */
function mainFollows(context: PlanContext, nic: Nic, { destination, protocol }: Route): boolean {
  const isDefault = destination.prefixLength === 0;
  return isDefault && protocol === RTPROT.ra && keeperOf(context, destination.address.family) === nic;
}

/** The copy is ours and keeps metric, MTU, onlink flag and next hops (Spiderpool loses them). */
export function copy(route: Route, table: number): Route {
  return { ...route, table, protocol: ROUTE_PROTOCOL };
}

/** The kernel looks for a gateway in the routes that exist already. */
function linksFirst(routes: readonly Route[]): Route[] {
  const isLink = (route: Route) => route.gateway === undefined && route.nextHops === undefined;
  return [...routes.filter(isLink), ...routes.filter((route) => !isLink(route))];
}
