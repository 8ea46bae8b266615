// Networks that the pod reaches through its node: of Services, of overlay pods and of the user, and the node itself.

import { type Cidr, type Family, formatCidr } from '#ip';
import type { Route } from '#net';
import { gatewayRoute, linkRoute } from '../state/index.ts';
import type { NodeLink } from './node-link.ts';
import { nicOnLan, type PlanContext, sourceOf } from './plan-context.ts';

/** Routes to the node's own addresses. */
export function nodeRoutes(
  context: PlanContext,
  nodeLink: NodeLink,
  table: number,
  family?: Family,
): Route[] {
  return context.nodes
    .filter((node) => family === undefined || node.family === family)
    .map((node) => linkRoute(node, nodeLink.podLink, table, sourceOf(context, nodeLink, node.family)));
}

/** Routes through the node. They are the same in every table, so that sockets bound to any NIC reach Services. */
export function hijackRoutes(
  context: PlanContext,
  networks: readonly Cidr[],
  nodeLink: NodeLink,
  table: number,
  family?: Family,
): Route[] {
  return networks.flatMap((network) => {
    if (family !== undefined && network.address.family !== family) return [];
    const gateway = context.gateways.find((address) => address.family === network.address.family);
    if (gateway === undefined || !isServed(context, network)) return [];
    const source = sourceOf(context, nodeLink, gateway.family);
    return [gatewayRoute(network, gateway, nodeLink.podLink, table, source)];
  });
}

/**
 * Whether the network gets a route through the node. A default route exists already, and neighbours answer on a NIC's
 * LAN. The routes to the node's own addresses exist already, too.
 */
function isServed(context: PlanContext, network: Cidr): boolean {
  return network.prefixLength > 0 && nicOnLan(context, network) === undefined;
}

/** The networks that are left out, with the reason. */
export function hijackNotes(
  context: PlanContext,
  networks: readonly Cidr[],
  what = 'hijacked network',
): string[] {
  return networks.flatMap((network) => {
    const { family } = network.address;
    const text = `${what} ${formatCidr(network)} is left out`;
    if (!context.families.includes(family)) return [`${text}: the pod has no address of its family`];
    const nic = network.prefixLength === 0 ? context.first : nicOnLan(context, network);
    if (nic !== undefined) return [`${text}: ${nic.name} has a route of that destination`];
    const reachable = context.gateways.some((gateway) => gateway.family === family);
    return reachable ? [] : [`${text}: the node has no such address family`];
  });
}
