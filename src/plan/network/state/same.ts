// Tells whether two network objects are the same: by the key that the kernel uses, and by everything that we ask for.

import { type Address, type Cidr, sameAddress, sameCidr } from '#ip';
import type { InterfaceAddress, Neighbour, NextHop, Route, Rule } from '#net';
import { IPV6_DEFAULT_METRIC } from './numbers.ts';

/** A next hop: a link and a gateway. */
type Hop = Pick<NextHop, 'dev' | 'gateway'>;

/** Whether both routes have the same place in the same table. The kernel can hold only one of them. */
export function sameRouteKey(a: Route, b: Route): boolean {
  return a.table === b.table && sameCidr(a.destination, b.destination) && metricOf(a) === metricOf(b);
}

/**
 * Two routes have the same key exactly if {@link sameRouteKey} holds for them. A pod may have thousands of routes.
 * Comparing each pair kept the agent, and with it the node, busy for seconds.
 */
export function routeKey(route: Route): string {
  return `${route.table} ${cidrKey(route.destination)} ${metricOf(route)}`;
}

/** Groups routes by {@link routeKey}, in their order. */
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

/** Two networks have the same key exactly if {@link sameCidr} holds for them. */
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

/** Whether both leave by the same link to the same gateway. */
export function sameHop(a: Hop, b: Hop): boolean {
  return a.dev === b.dev && sameOptional(a.gateway, b.gateway);
}

/** The kernel may report next hops in another order. */
function sameHops(a: readonly Hop[], b: readonly Hop[]): boolean {
  return a.length === b.length && a.every((hop) => b.some((other) => sameHop(hop, other)));
}

/** Who made it does not matter: the kernel has no second rule with the same fields. */
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

function sameOptional(a: Address | undefined, b: Address | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameAddress(a, b);
}

function sameOptionalCidr(a: Cidr | undefined, b: Cidr | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameCidr(a, b);
}
