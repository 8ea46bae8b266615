// Compares the present routes with the desired routes. This includes default routes of other plugins that must move.

import { type Cidr, cidrContains, hostCidr, networkOf } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route } from '#net';
import {
  cidrKey,
  type DesiredNamespace,
  isForeign,
  type ObservedNamespace,
  routeKey,
  routesByKey,
  routeText,
  sameHop,
  sameRoute,
  sameRouteKey,
  tableText,
} from '../state/index.ts';
import { type Finding, fixable, foreign, stale } from './finding.ts';

/**
 * Routes that are missing or lead elsewhere, in the plan's order: link routes come before the routes whose gateways
 * need them.
 */
export function routeFindings(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const displaced = unwanted(desired, observed);
  const kept = routesByKey(observed.routes.filter((other) => !displaced.some((one) => isAllOf(one, other))));
  const gateways = new Set(desired.routes.flatMap(gatewayKey));
  const linkRoutes = [...observed.routes, ...desired.routes].filter(({ gateway }) => gateway === undefined);
  return desired.routes.flatMap((route) => {
    const inTheWay = displaced.filter((other) => sameRouteKey(other, route));
    const isGateway = gateways.has(linkKey(route.dev, route.destination));
    const there = kept.get(routeKey(route)) ?? [];
    const yields = route.table === MAIN_TABLE && desired.insisting !== true;
    const isOnlink = needsOnlink(route, linkRoutes, observed);
    return oneRoute(route, { there, inTheWay, isGateway, yields, isOnlink });
  });
}

interface RoutePlace {
  /** What occupies the route's place. */
  readonly there: readonly Route[];
  /** What must leave it first. */
  readonly inTheWay: readonly Route[];
  /** Other routes need this one. */
  readonly isGateway: boolean;
  /** Another program's route has precedence. */
  readonly yields: boolean;
  readonly isOnlink: boolean;
}

function oneRoute(desired: Route, { there, inTheWay, isGateway, yields, isOnlink }: RoutePlace): Finding[] {
  const onlink: Route = { ...desired, onlink: true };
  const isIt = (route: Route) =>
    sameRoute(route, desired) || sameRoute(route, onlink) || holdsHop(route, desired);
  if (there.some(isIt)) return [];
  const others = there.find(isForeign);
  // In main, a user's route to the same network (of a pool or an annotation) has precedence over ours.
  if (yields && others !== undefined) return isGateway ? [taken(desired, others)] : [];
  const [found] = there;
  const text = `route ${routeText(desired)}`;
  const table = `table ${tableText(desired.table)}`;
  if (others !== undefined) return [foreign(`${text} of ${table} is ${routeText(others)} instead`)];
  const problem =
    found === undefined
      ? `${text} is missing from ${table}`
      : `${text} of ${table} is ${routeText(found)} instead`;
  // If none was found, an existing route belongs to another program or is on a link that was not read.
  const verb = found === undefined ? 'create' : 'replace';
  const route = isOnlink ? onlink : desired;
  return [...inTheWay.map(removal), fixable(problem, { verb, kind: 'route', route })];
}

/**
 * Whether the route needs the onlink flag. The gateway is in the network of the link's own address, but no route leads
 * to it. The plugin `sbr` moves such routes out of main. Without the flag the kernel would refuse the gateway
 * (ENETUNREACH).
 */
function needsOnlink(route: Route, linkRoutes: readonly Route[], observed: ObservedNamespace): boolean {
  const { gateway, dev } = route;
  // The kernel's own routes come back when the link is up again.
  const isUp = observed.links.some((link) => link.name === dev && link.up);
  if (gateway === undefined || !isUp) return false;
  const isNeighbour = observed.addresses.some(
    ({ dev: link, address }) => link === dev && cidrContains(networkOf(address), gateway),
  );
  const leads = (other: Route) =>
    other.dev === dev &&
    (other.table === MAIN_TABLE || other.table === route.table) &&
    cidrContains(other.destination, gateway);
  return isNeighbour && !linkRoutes.some(leads);
}

/**
 * Other routes need the place of this one. The kernel would refuse those routes, and its message would not name the
 * cause.
 */
function taken(desired: Route, found: Route): Finding {
  const problem = `route ${routeText(found)} of a pool or an annotation is in the place of route ${routeText(desired)}, by which the pod reaches its node`;
  return { problem, code: 'COORDINATOR_ROUTE_TAKEN' };
}

/** The key of the link route that leads to the route's gateway. */
function gatewayKey({ gateway, dev }: Route): string[] {
  return gateway === undefined ? [] : [linkKey(dev, hostCidr(gateway))];
}

function linkKey(dev: string | undefined, destination: Cidr): string {
  return `${dev} ${cidrKey(destination)}`;
}

/**
 * Default routes that moved to their NIC's table and are still in main. They are deleted last, after rules and tables
 * exist. They are deleted before a wanted route only if the kernel would mistake them for it (one batch, microseconds
 * apart).
 */
export function displacedRoutes(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const handled = routeFindings(desired, observed).flatMap(({ fix }) =>
    fix?.kind === 'change' && fix.change.verb === 'delete' && fix.change.kind === 'route'
      ? [fix.change.route]
      : [],
  );
  return unwanted(desired, observed)
    .filter((route) => !handled.some((other) => sameRoute(other, route)))
    .map(removal);
}

/**
 * Routes of ours that no plan wants. They come from earlier settings, or from an earlier state of the node or the pod's
 * NICs.
 */
export function staleRoutes(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  if (desired.sparing?.includes('routes') === true) return [];
  const links = new Set(desired.links.map((link) => link.name));
  const wanted = new Set(desired.routes.map(routeKey));
  const routes = observed.routes.filter(
    (route) =>
      route.protocol === ROUTE_PROTOCOL &&
      (desired.complete || links.has(route.dev ?? '')) &&
      !wanted.has(routeKey(route)),
  );
  // Delete routes through a gateway before the link routes to that gateway.
  return routes
    .toReversed()
    .map((route) => stale(`route ${routeText(route)}`, { verb: 'delete', kind: 'route', route }));
}

function removal(route: Route): Finding {
  return fixable(
    `route ${routeText(route)} is in table ${tableText(route.table)}, where another NIC has its default route`,
    {
      verb: 'delete',
      kind: 'route',
      route,
    },
  );
}

/** The unwanted routes that exist, each in the form in which the kernel must be asked to delete it. */
function unwanted(desired: DesiredNamespace, observed: ObservedNamespace): Route[] {
  return desired.unwantedRoutes.flatMap((route) => {
    const found = observed.routes.find((other) => isPartOf(route, other));
    if (found === undefined) return [];
    return [found.nextHops === undefined ? found : { ...route, protocol: found.protocol }];
  });
}

/** Whether the route is the other one, or one next hop of it. The kernel joins IPv6 default routes of one metric. */
function isPartOf(route: Route, other: Route): boolean {
  if (!sameRouteKey(route, other)) return false;
  return sameHop(route, other) || holdsHop(other, route);
}

function isAllOf(route: Route, other: Route): boolean {
  return other.nextHops === undefined && isPartOf(route, other);
}

function holdsHop(route: Route, part: Route): boolean {
  return (
    part.destination.address.family === 6 &&
    part.nextHops === undefined &&
    (route.nextHops ?? []).some((hop) => sameHop(hop, part))
  );
}
