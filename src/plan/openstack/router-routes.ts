// Which static routes a router of Neutron gets and loses so that it finds the pods. Routes of others are never touched.

import {
  type Cidr,
  cidrContains,
  cidrsOverlap,
  formatCidr,
  hostCidr,
  networkOf,
  parseCidr,
  sameCidr,
  tryParseAddress,
} from '#ip';

/** As Neutron writes it: `10.1.0.0/24` by way of `10.0.0.5`. Ours have no host bits. */
export interface RouterRoute {
  readonly destination: string;
  readonly nexthop: string;
}

export interface RouterFacts {
  readonly routes: readonly RouterRoute[];
  /** The subnets that the router is connected to. */
  readonly subnets: readonly Cidr[];
  /** How many routes it may have, those of others included. */
  readonly limit: number;
}

export interface RefusedRoute {
  readonly route: RouterRoute;
  /** The end of a sentence that begins with the route. */
  readonly reason: string;
}

export interface RouteChanges {
  readonly remove: readonly RouterRoute[];
  readonly add: readonly RouterRoute[];
  /** What is ours from before the first change on: a program that dies between two calls leaves nothing unknown. */
  readonly owned: readonly RouterRoute[];
  readonly refused: readonly RefusedRoute[];
}

/**
 * `owned`: the routes that we added, or were about to add. A route of ours that is wished by way of another node is
 * removed first: Neutron would keep both, and send every second connection to the wrong node. A wished route that is
 * there and not ours stays what it is: the operator's.
 */
export function routeChanges(
  wished: readonly RouterRoute[],
  owned: readonly RouterRoute[],
  { routes, subnets, limit }: RouterFacts,
): RouteChanges {
  const isWished = isIn(wished);
  const isPresent = isIn(routes);
  const ours = owned.filter(isPresent);
  const remove = ours.filter((route) => !isWished(route));
  const kept = routes.filter((route) => !isIn(remove)(route));
  const missing = wished.filter((route) => !isPresent(route));
  const refused = missing.flatMap((route) => {
    const reason = refusalOf(route, kept, subnets);
    return reason === undefined ? [] : [{ route, reason }];
  });
  const possible = missing.filter((route) => !refused.some((one) => one.route === route));
  const room = Math.max(0, limit - kept.length);
  const reason = `does not fit: the router may have ${limit} routes, and ${kept.length} are there`;
  const tooMany = possible.slice(room).map((route) => ({ route, reason }));
  const add = possible.slice(0, room);
  return { remove, add, owned: [...ours, ...add], refused: [...refused, ...tooMany] };
}

/** The routes without those that were removed. */
export function withoutRoutes(
  routes: readonly RouterRoute[],
  removed: readonly RouterRoute[],
): readonly RouterRoute[] {
  const isRemoved = isIn(removed);
  return routes.filter((route) => !isRemoved(route));
}

export function routeText({ destination, nexthop }: RouterRoute): string {
  return `${destination} via ${nexthop}`;
}

/** Why the router must not have the route: it would cut off others. */
function refusalOf(
  { destination, nexthop }: RouterRoute,
  kept: readonly RouterRoute[],
  subnets: readonly Cidr[],
): string | undefined {
  const network = parseCidr(destination);
  const hop = tryParseAddress(nexthop);
  if (hop !== undefined && cidrContains(network, hop))
    return `would lead the address ${nexthop} of the node itself to the node`;
  const whole = subnets.find(
    (subnet) => cidrsOverlap(subnet, network) && network.prefixLength <= subnet.prefixLength,
  );
  if (whole !== undefined) return `would hide the router's own subnet ${formatCidr(whole)}`;
  const other = kept.find((route) => leadsTo(route, network));
  if (other !== undefined) return `is there already by way of ${other.nexthop}, and not ours`;
  return undefined;
}

/** Neutron keeps what it is given: `10.1.0.9/24` and a bare `10.1.0.9` are destinations too. */
function leadsTo({ destination }: RouterRoute, network: Cidr): boolean {
  try {
    return sameCidr(networkOfText(destination), network);
  } catch {
    return false;
  }
}

function networkOfText(text: string): Cidr {
  const address = tryParseAddress(text);
  return address === undefined ? networkOf(parseCidr(text)) : hostCidr(address);
}

function isIn(routes: readonly RouterRoute[]): (route: RouterRoute) => boolean {
  const texts = new Set(routes.map(routeText));
  return (route) => texts.has(routeText(route));
}
