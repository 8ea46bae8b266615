// Networks that the pod reaches through its node: of Services, of overlay pods and of the user, and the node itself.

import { type Cidr, type Family, formatCidr } from '#ip';
import type { Route } from '#net';
import { gatewayRoute, linkRoute } from '../state/index.ts';
import { type Frame, nicOnLan, sourceOf } from './frame.ts';
import type { Way } from './way.ts';

/** Routes to the node's own addresses. */
export function nodeRoutes(frame: Frame, way: Way, table: number, family?: Family): Route[] {
  return frame.nodes
    .filter((node) => family === undefined || node.family === family)
    .map((node) => linkRoute(node, way.podLink, table, sourceOf(frame, way, node.family)));
}

/** Routes through the node. They are the same in every table, so that sockets bound to any NIC reach Services. */
export function hijackRoutes(
  frame: Frame,
  networks: readonly Cidr[],
  way: Way,
  table: number,
  family?: Family,
): Route[] {
  return networks.flatMap((network) => {
    if (family !== undefined && network.address.family !== family) return [];
    const gateway = frame.gateways.find((address) => address.family === network.address.family);
    if (gateway === undefined || !isServed(frame, network)) return [];
    const source = sourceOf(frame, way, gateway.family);
    return [gatewayRoute(network, gateway, way.podLink, table, source)];
  });
}

/**
 * Whether the network gets a route through the node. A default route exists already, and neighbours answer on a NIC's
 * LAN. The routes to the node's own addresses exist already, too.
 */
function isServed(frame: Frame, network: Cidr): boolean {
  return network.prefixLength > 0 && nicOnLan(frame, network) === undefined;
}

/** The networks that are left out, with the reason. */
export function hijackNotes(frame: Frame, networks: readonly Cidr[], what = 'hijacked network'): string[] {
  return networks.flatMap((network) => {
    const { family } = network.address;
    const text = `${what} ${formatCidr(network)} is left out`;
    if (!frame.families.includes(family)) return [`${text}: the pod has no address of its family`];
    const nic = network.prefixLength === 0 ? frame.first : nicOnLan(frame, network);
    if (nic !== undefined) return [`${text}: ${nic.name} has a route of that destination`];
    const reachable = frame.gateways.some((gateway) => gateway.family === family);
    return reachable ? [] : [`${text}: the node has no such address family`];
  });
}
