// Finds the routes of table main that belong to a NIC in a dump. They are recorded, because its default route may move.

import { type Cidr, parseCidr, sameCidr } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route } from '#net';
import { routeKey } from '../state/index.ts';
import type { PodNic } from './nic.ts';

const LINK_LOCAL = parseCidr('fe80::/64');

/**
 * The NIC's routes as its plugin made them. They come from a dump, and from the record if we moved them out of main. A
 * record with other addresses belongs to an earlier NIC with the same name.
 */
export function nicRoutes(
  nic: Pick<PodNic, 'name' | 'addresses'>,
  dump: readonly Route[],
  recorded?: PodNic,
): Route[] {
  const found = dump.filter(isOthers).flatMap((route) => partOf(route, nic.name));
  const same = recorded !== undefined && haveSameAddresses(recorded, nic);
  const now = new Set(found.map(routeKey));
  const moved = same ? recorded.routes.filter((old) => !now.has(routeKey(old))) : [];
  return [...found, ...moved];
}

/** Every link has link-local networks of its own. */
function isOthers(route: Route): boolean {
  return (
    route.table === MAIN_TABLE &&
    route.type === 'unicast' &&
    route.protocol !== ROUTE_PROTOCOL &&
    !sameCidr(route.destination, LINK_LOCAL)
  );
}

/**
 * A route with several next hops may belong to several NICs: the kernel joins IPv6 default routes of one metric. The
 * part of one NIC keeps its metric, MTU, onlink flag and destination. The destination need not be the default.
 */
function partOf(route: Route, dev: string): Route[] {
  if (route.nextHops === undefined) return route.dev === dev ? [route] : [];
  const own = route.nextHops.filter((hop) => hop.dev === dev);
  const [hop] = own;
  if (hop === undefined) return [];
  if (own.length === route.nextHops.length) return [route];
  const { nextHops: _, ...rest } = route;
  if (own.length > 1) return [{ ...rest, nextHops: own }];
  const { weight: _weight, ...alone } = hop;
  return [{ ...rest, ...alone }];
}

/** In any order. */
function haveSameAddresses(a: Pick<PodNic, 'addresses'>, b: Pick<PodNic, 'addresses'>): boolean {
  const isOfB = (cidr: Cidr) => b.addresses.some((other) => sameCidr(cidr, other));
  return a.addresses.length === b.addresses.length && a.addresses.every(isOfB);
}
