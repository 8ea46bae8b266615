// The kernel's identity of objects: the fields by which it finds a route or rule, and the values that it adds.

import { formatAddress, formatCidr, networkOf, sameCidr } from '#ip';
import { type InterfaceAddress, MAIN_TABLE, type Route, RTPROT, type Rule } from './objects.ts';

/** IP6_RT_PRIO_USER and IP6_RT_PRIO_ADDRCONF (ip6_route.h): the metrics of IPv6 routes without a metric. */
const USER_METRIC = 1024;
const CONNECTED_METRIC = 256;

/**
 * The fields that identify a route. IPv4 has one route for each destination and metric. IPv6 has one for each next hop,
 * too.
 */
export function routeKey(route: Route): string {
  const key = [route.table, formatCidr(route.destination), route.metric ?? 0];
  if (route.destination.address.family === 6) key.push(route.dev ?? '', gatewayText(route));
  return key.join(' ');
}

/** Whether a request to delete `wanted` finds `route`. Fields that the request does not set match anything. */
export function routeMatches(wanted: Route, route: Route): boolean {
  return (
    wanted.table === route.table &&
    sameCidr(wanted.destination, route.destination) &&
    (wanted.metric === undefined || wanted.metric === route.metric) &&
    (wanted.dev === undefined || wanted.dev === route.dev) &&
    (wanted.gateway === undefined || gatewayText(wanted) === gatewayText(route)) &&
    (wanted.protocol === 0 || wanted.protocol === route.protocol)
  );
}

function gatewayText({ gateway }: Route): string {
  return gateway === undefined ? '' : formatAddress(gateway);
}

/** The route as a dump shows it. An IPv6 route has no scope, and always has a metric. */
export function routeAsKept(route: Route): Route {
  if (route.destination.address.family === 4) return route;
  return { ...route, scope: 'global', metric: route.metric ?? USER_METRIC };
}

/**
 * All selectors of a rule, with its table, priority and protocol. The kernel accepts two rules that differ in any of
 * them.
 */
export function ruleKey({ family, priority, table, from, to, mark, protocol, ...more }: Rule): string {
  const { inputDev, ipProtocol, sourcePorts } = more;
  const selectors = [
    ...[from && formatCidr(from), to && formatCidr(to), mark?.value, mark?.mask],
    ...[inputDev, ipProtocol, sourcePorts?.first, sourcePorts?.last],
  ];
  return JSON.stringify([family, priority, table, protocol, ...selectors.map((each) => each ?? null)]);
}

/** The connected route that an address adds for its own network. Undefined if it adds none. */
export function connectedRoute({ address, dev, noPrefixRoute }: InterfaceAddress): Route | undefined {
  const { family } = address.address;
  // An IPv4 /32 has no network besides itself. An IPv6 /128 has a route, like every prefix.
  if (noPrefixRoute === true || (family === 4 && address.prefixLength === 32)) return undefined;
  const common = {
    destination: networkOf(address),
    table: MAIN_TABLE,
    type: 'unicast',
    protocol: RTPROT.kernel,
    dev,
  } as const;
  if (family === 4) return { ...common, scope: 'link', source: address.address };
  return { ...common, scope: 'global', metric: CONNECTED_METRIC };
}
