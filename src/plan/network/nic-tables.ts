// Tables of NICs that main does not serve: what was asked on a NIC is answered on it, and the node and Services stay in reach.

import type { Family } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import { defaultRoutes, keeperOf, type Moved } from './default-route.ts';
import { type Frame, hasFamily, type Nic, nicOnLan } from './frame.ts';
import { hijackRoutes, nodeRoutes } from './hijack.ts';
import { gatewayRoute, sourceRule } from './made.ts';

/** `from` rules, one for each address. */
export function sourceRules(frame: Frame, moved: readonly Moved[]): Rule[] {
  return [...moved, ...overlayMoved(frame, moved)].flatMap(({ nic, family, table }) =>
    nic.addresses
      .filter((cidr) => cidr.address.family === family)
      .map((cidr) => sourceRule(cidr.address, table)),
  );
}

export function nicTableRoutes(frame: Frame, moved: readonly Moved[]): Route[] {
  const copies = overlayMoved(frame, moved).flatMap(({ nic, family, table }) =>
    defaultRoutes(nic, family).map((route) => copy(route, table)),
  );
  return [...moved.flatMap((one) => tableOf(frame, one)), ...copies];
}

/**
 * Where an overlay's NIC keeps main, replies from its address still must leave by it, also those into a LAN that another
 * NIC is on (Spiderpool #3683): its default route is copied to a table for its address.
 */
function overlayMoved(frame: Frame, moved: readonly Moved[]): Moved[] {
  if (!frame.isOverlay) return [];
  const { replyTable, besideTable } = frame.numbers;
  const table = frame.ownWay === undefined ? replyTable : besideTable;
  return frame.families
    .filter((family) => keeperOf(frame, family) === frame.first)
    .filter((family) => moved.some((one) => one.family === family) && hasFamily(frame.first, family))
    .map((family) => ({ nic: frame.first, family, table }));
}

/** The node, the NIC's own routes, what goes through the node, and the user's routes through the NIC. */
function tableOf(frame: Frame, { nic, family, table }: Moved): Route[] {
  const own = nic.routes.filter(({ destination }) => destination.address.family === family);
  return [
    ...nodeRoutes(frame, nic.way, table, family),
    ...linksFirst(own).map((route) => copy(route, table)),
    ...hijackRoutes(frame, nic.settings.hijackedNetworks, nic.way, table, family),
    ...(nic.ours ? policyRoutes(frame, nic, table, family) : []),
  ];
}

/**
 * The user's routes of every NIC: in its table they serve only what is sent from its address, and a program that names no source
 * would still take the default route (Spiderpool #5700). Of several to one network the first NIC's counts, whose ADD is the first.
 */
export function policyRoutesInMain(frame: Frame): Route[] {
  const ours = frame.nics.filter((nic) => nic.ours);
  return ours.flatMap((nic) =>
    frame.families.flatMap((family) => policyRoutes(frame, nic, MAIN_TABLE, family)),
  );
}

function policyRoutes(frame: Frame, nic: Nic, table: number, family: Family): Route[] {
  return nic.settings.policyRoutes
    .filter(({ destination }) => destination.address.family === family && hasFamily(nic, family))
    .filter(({ destination }) => destination.prefixLength > 0 && nicOnLan(frame, destination) === undefined)
    .map(({ destination, gateway }) => gatewayRoute(destination, gateway, nic.name, table));
}

/** Ours now, with metric, MTU, onlink flag and next hops as they were (Spiderpool loses them). */
function copy(route: Route, table: number): Route {
  return { ...route, table, protocol: ROUTE_PROTOCOL };
}

/** Gateways are looked up among what is there before them. */
function linksFirst(routes: readonly Route[]): Route[] {
  const isLink = (route: Route) => route.gateway === undefined && route.nextHops === undefined;
  return [...routes.filter(isLink), ...routes.filter((route) => !isLink(route))];
}
