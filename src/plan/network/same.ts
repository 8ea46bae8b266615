// When two network objects are the same: by their key, as the kernel tells them apart, and by everything we ask for.

import { type Address, type Cidr, sameAddress } from '#ip';
import type { InterfaceAddress, Neighbour, NextHop, Route, Rule } from '#net';
import { IPV6_DEFAULT_METRIC } from './numbers.ts';

/** Where a route, or one of its next hops, leads. */
type Hop = Pick<NextHop, 'dev' | 'gateway'>;

/** The same place in the same table: only one of the two can be there. */
export function sameRouteKey(a: Route, b: Route): boolean {
  return a.table === b.table && sameCidr(a.destination, b.destination) && metricOf(a) === metricOf(b);
}

/**
 * Equal for two routes of {@link sameRouteKey}. A pod may have thousands of routes: to compare each with each kept the agent, and with it
 * the node, busy for seconds.
 */
export function routeKey(route: Route): string {
  return `${route.table} ${cidrKey(route.destination)} ${metricOf(route)}`;
}

/** Routes for looking them up by {@link routeKey}, in their order. */
export function routesByKey(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  const byKey = new Map<string, Route[]>();
  for (const route of routes) {
    const key = routeKey(route);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [route]);
    else same.push(route);
  }
  return byKey;
}

/** Equal for two networks of {@link sameCidr}. */
export function cidrKey({ address, prefixLength }: Cidr): string {
  return `${address.family} ${address.value}/${prefixLength}`;
}

export function sameRoute(a: Route, b: Route): boolean {
  return (
    sameRouteKey(a, b) &&
    a.type === b.type &&
    a.protocol === b.protocol &&
    a.dev === b.dev &&
    // IPv6 routes have no scope.
    (a.destination.address.family === 6 || a.scope === b.scope) &&
    a.mtuBytes === b.mtuBytes &&
    (a.onlink ?? false) === (b.onlink ?? false) &&
    sameOptional(a.gateway, b.gateway) &&
    sameOptional(a.source, b.source) &&
    sameHops(a.nextHops ?? [], b.nextHops ?? [])
  );
}

/** Out by the same link to the same gateway. */
export function sameHop(a: Hop, b: Hop): boolean {
  return a.dev === b.dev && sameOptional(a.gateway, b.gateway);
}

/** The kernel may report them in another order. */
function sameHops(a: readonly Hop[], b: readonly Hop[]): boolean {
  return a.length === b.length && a.every((hop) => b.some((other) => sameHop(hop, other)));
}

/** Whoever made it: the kernel holds no second rule of the same words. */
export function sameRule(a: Rule, b: Rule): boolean {
  return (
    a.family === b.family &&
    a.priority === b.priority &&
    a.table === b.table &&
    a.inputDev === b.inputDev &&
    a.mark?.value === b.mark?.value &&
    a.mark?.mask === b.mark?.mask &&
    a.ipProtocol === b.ipProtocol &&
    a.sourcePorts?.first === b.sourcePorts?.first &&
    a.sourcePorts?.last === b.sourcePorts?.last &&
    sameOptionalCidr(a.from, b.from) &&
    sameOptionalCidr(a.to, b.to)
  );
}

export function sameNeighbourKey(a: Neighbour, b: Neighbour): boolean {
  return a.dev === b.dev && sameAddress(a.address, b.address);
}

export function sameNeighbour(a: Neighbour, b: Neighbour): boolean {
  return sameNeighbourKey(a, b) && a.mac === b.mac && a.state === b.state;
}

export function sameInterfaceAddress(a: InterfaceAddress, b: InterfaceAddress): boolean {
  return a.dev === b.dev && sameCidr(a.address, b.address);
}

function metricOf(route: Route): number {
  return route.metric ?? (route.destination.address.family === 6 ? IPV6_DEFAULT_METRIC : 0);
}

export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.prefixLength === b.prefixLength && sameAddress(a.address, b.address);
}

function sameOptional(a: Address | undefined, b: Address | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameAddress(a, b);
}

function sameOptionalCidr(a: Cidr | undefined, b: Cidr | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameCidr(a, b);
}
