// Finds the node's own addresses. Pods reach these through veth0 and not through the LAN.

import type { Node } from '#api';
import { type Address, maxPrefixLength, sameAddress, tryParseAddress } from '#ip';
import type { InterfaceAddress, Link } from '#net';

/** Kinds of links that connect the node itself. A physical NIC has no kind. */
const nicKinds = new Set([undefined, 'bond', 'team', 'vlan', 'macvlan', 'openvswitch', 'veth']);

/** Kinds of links that carry an overlay's packets between nodes, under any name. */
const tunnelKinds = new Set(['vxlan', 'geneve', 'ipip', 'gre', 'gretap', 'sit', 'wireguard']);

/** Names of links that container engines and overlay networks make. Our own veths are included. */
const FOREIGN_NAME =
  /^(docker|cbr|dummy|virbr|lxcbr|lxc|veth|cali|flannel|kube-|nodelocaldns|cni|vx-submariner|cilium)/;

/**
 * The node's addresses. The first of a family is the gateway of hijacked networks. The InternalIPs of the Node object
 * come first, in its order, then the addresses of the node's other NICs. A route lookup is not used, because it picks
 * an RDMA NIC on some nodes. Virtual addresses are left out (keepalived and kube-vip add them as /32 or /128). They
 * move to other nodes while pods keep their routes.
 */
export function nodeAddresses(
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
  node: Node | undefined,
): Address[] {
  const held = addresses.filter(isUsable);
  const internal = (node?.status?.addresses ?? [])
    .filter((entry) => entry.type === 'InternalIP')
    .map((entry) => tryParseAddress(entry.address))
    .filter((address) => address !== undefined)
    .filter((address) => held.some((own) => sameAddress(own.address.address, address)));
  const nics = new Set(links.filter((link) => isNic(link, links)).map((link) => link.name));
  const others = held
    .filter(
      (own) => nics.has(own.dev) && own.address.prefixLength < maxPrefixLength(own.address.address.family),
    )
    .map((own) => own.address.address);
  return distinct([...internal, ...others]);
}

function isUsable({ scope, dadFailed }: InterfaceAddress): boolean {
  return scope === 'global' && dadFailed !== true;
}

export function isTunnel({ kind = '' }: Link): boolean {
  return tunnelKinds.has(kind);
}

/**
 * Whether packets between pods of different nodes may enter by the link. This holds for the node's NICs and for
 * tunnels.
 */
export function leadsToOtherNodes(link: Link, links: readonly Link[]): boolean {
  return isTunnel(link) || (isNic(link, links) && !FOREIGN_NAME.test(link.name));
}

/** A bridge belongs to the node itself if one of its ports is a NIC: br-ex, but not docker0. */
function isNic(link: Link, links: readonly Link[]): boolean {
  if (link.loopback) return false;
  if (link.kind === 'bridge') {
    return links.some(
      (port) => port.masterIndex === link.index && port.kind !== 'bridge' && isNic(port, links),
    );
  }
  return nicKinds.has(link.kind) && !FOREIGN_NAME.test(link.name);
}

function distinct(addresses: readonly Address[]): Address[] {
  return addresses.filter((address, i) => addresses.findIndex((other) => sameAddress(other, address)) === i);
}
