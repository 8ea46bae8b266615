// Which routes the pools ask of a router of Neutron: the addresses of pods, by way of the node of each.

import type { Node, SpiderEndpoint, SpiderIPPool } from '#api';
import {
  type Address,
  type Cidr,
  cidrContains,
  formatAddress,
  formatCidr,
  hostCidr,
  rangeBlocks,
  tryParseAddress,
} from '#ip';
import { type PoolNetwork, storedNetwork } from '#plan/ipam';
import type { RouterRoute } from './router-routes.ts';

/** On a SpiderIPPool: the id of the router that needs routes to its addresses. */
export const ROUTER_ANNOTATION = 'openstack.orbweaver.io/router';

export interface WishedRoute extends RouterRoute {
  /** The pool that asks for it. */
  readonly pool: string;
}

export interface Wishes {
  /** One for each destination. Those of whole pools come first: where not all fit, they lead to the most pods. */
  readonly routes: readonly WishedRoute[];
  /** Nodes with pods of these pools, without an address in a subnet of the router. */
  readonly unreachable: readonly { readonly pool: string; readonly node: string }[];
}

/** What is read of the cluster. */
export interface RoutedCluster {
  readonly pools: readonly SpiderIPPool[];
  readonly endpoints: readonly SpiderEndpoint[];
  readonly nodes: readonly Node[];
}

/** The router that the pool names. Undefined if it names none, or if the text cannot be an id. */
export function routerOf({ metadata }: SpiderIPPool): string | undefined {
  const id = metadata.annotations?.[ROUTER_ANNOTATION];
  return id !== undefined && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

/**
 * A pool of one node (`spec.nodeName`) is a few routes for all of its addresses, used or not. Of any other pool, each
 * used address is a route. A route stays as long as its SpiderEndpoint: also while the pod ends.
 */
export function wishedRoutes(
  routerId: string,
  { pools, endpoints, nodes }: RoutedCluster,
  subnets: readonly Cidr[],
): Wishes {
  const hops = new Map(nodes.map((node) => [node.metadata.name ?? '', hopsOf(node, subnets)]));
  const routes = new Map<string, WishedRoute>();
  const unreachable = new Map<string, { pool: string; node: string }>();
  const wish = (pool: string, node: string, destination: Cidr) => {
    // A node that is gone has no pods.
    const known = hops.get(node);
    if (known === undefined) return;
    const hop = known.find(({ family }) => family === destination.address.family);
    const text = formatCidr(destination);
    if (hop === undefined) unreachable.set(`${pool} ${node}`, { pool, node });
    else if (!routes.has(text)) routes.set(text, { destination: text, nexthop: formatAddress(hop), pool });
  };
  const shared: { readonly name: string; readonly network: PoolNetwork }[] = [];
  for (const pool of pools) {
    if (routerOf(pool) !== routerId || pool.spec === undefined) continue;
    const { name = '' } = pool.metadata;
    const network = storedNetwork(pool.spec);
    if (network === undefined) continue;
    const [node, ...others] = pool.spec.nodeName ?? [];
    if (node === undefined || others.length > 0) shared.push({ name, network });
    else
      for (const range of network.addresses.ranges)
        for (const block of rangeBlocks(range)) wish(name, node, block);
  }
  for (const { address, node } of shared.length === 0 ? [] : endpoints.flatMap(usedAddresses)) {
    const pool = shared.find(({ network }) => network.addresses.contains(address));
    if (pool !== undefined) wish(pool.name, node, hostCidr(address));
  }
  return { routes: [...routes.values()], unreachable: [...unreachable.values()] };
}

/** The node's own addresses in subnets of the router. */
function hopsOf({ status }: Node, subnets: readonly Cidr[]): Address[] {
  const texts = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  const addresses = texts.flatMap(({ address }) => tryParseAddress(address) ?? []);
  return addresses.filter((address) => subnets.some((subnet) => cidrContains(subnet, address)));
}

function usedAddresses({ status }: SpiderEndpoint): { address: Address; node: string }[] {
  const { node, ips } = status?.current ?? { node: '', ips: [] };
  const texts = ips.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((text) => text !== undefined);
  // Anybody may have written the object: what is no address is left out.
  const addresses = texts.flatMap((text) => tryParseAddress(text.split('/', 1)[0] ?? '') ?? []);
  return addresses.map((address) => ({ address, node }));
}
