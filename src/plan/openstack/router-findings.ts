// What is wrong with the static routes of a router that pods depend on, and the command that mends it.

import { type Cidr, cidrContains, formatAddress, parseAddress, tryParseAddress } from '#ip';
import type { CloudFinding } from './findings.ts';
import { type RouterRoute, routeText } from './router-routes.ts';

export interface CheckedRouter {
  readonly id: string;
  readonly routes: readonly RouterRoute[];
  /** The network of the node, as far as the router is connected to it. */
  readonly network: {
    readonly subnets: readonly { readonly cidr: Cidr; readonly gateway: string | null }[];
    /** All that ports of it may send from. Undefined: the login sees only its own ports. */
    readonly addresses: readonly Cidr[] | undefined;
  };
  /** The routes that the controller of the cluster has added. Undefined: no cluster was asked. */
  readonly ledger: readonly RouterRoute[] | undefined;
}

export function routerFindings(router: CheckedRouter): CloudFinding[] {
  return [...deadHops(router), ...twoWays(router), ...lostRoutes(router)];
}

/** A next hop elsewhere, and one that is the gateway of its subnet, is not judged: it may be no port. */
function deadHops({ id, routes, network: { subnets, addresses } }: CheckedRouter): CloudFinding[] {
  if (addresses === undefined) return [];
  return routes.flatMap((route) => {
    const hop = tryParseAddress(route.nexthop);
    const subnet = hop && subnets.find(({ cidr }) => cidrContains(cidr, hop));
    if (hop === undefined || subnet === undefined) return [];
    if (addresses.some((cidr) => cidrContains(cidr, hop))) return [];
    if (subnet.gateway !== null && formatAddress(parseAddress(subnet.gateway)) === formatAddress(hop))
      return [];
    const what = `router ${id} has the route ${routeText(route)}, and no port of the network has ${route.nexthop}: its packets are lost`;
    return [{ what, mend: `openstack router remove route ${optionOf(route)} ${id}` }];
  });
}

/** Neutron keeps both, and the router uses both: two clusters with the same pods, or what was left of a move. */
function twoWays({ id, routes, ledger = [] }: CheckedRouter): CloudFinding[] {
  const groups = Map.groupBy(routes, ({ destination }) => destination);
  return [...groups].flatMap(([destination, ways]) => {
    if (ways.length < 2) return [];
    const isOurs = (route: RouterRoute) => ledger.some((own) => routeText(own) === routeText(route));
    const hops = ways.map(({ nexthop }) => nexthop).join(' and ');
    const what = `router ${id} leads ${destination} to ${hops}, each with a part of the connections: do two clusters have the same pods?`;
    const wrong = ways.find((route) => !isOurs(route)) ?? ways[0];
    return wrong === undefined
      ? []
      : [{ what, mend: `openstack router remove route ${optionOf(wrong)} ${id}` }];
  });
}

function lostRoutes({ id, routes, ledger = [] }: CheckedRouter): CloudFinding[] {
  const there = new Set(routes.map(routeText));
  return ledger
    .filter((route) => !there.has(routeText(route)))
    .map((route) => {
      const what = `router ${id} lacks the route ${routeText(route)}, which the controller added`;
      return { what, mend: `openstack router add route ${optionOf(route)} ${id}` };
    });
}

const optionOf = ({ destination, nexthop }: RouterRoute): string =>
  `--route destination=${destination},gateway=${nexthop}`;
