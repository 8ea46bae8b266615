// The addresses of the lab: the single plan that topology, overlay, proxy and table use.

import type { Family } from '#ip';

/** An address or CIDR of each family. */
export type DualStack = Readonly<Record<Family, string>>;

/** An address of each family, or undefined if one is missing. */
export function dualStack(addresses: readonly (string | undefined)[]): DualStack | undefined {
  const known = addresses.filter((address) => address !== undefined);
  const v4 = known.find((address) => !address.includes(':'));
  const v6 = known.find((address) => address.includes(':'));
  return v4 === undefined || v6 === undefined ? undefined : { 4: v4, 6: v6 };
}

/** Name of every node's NIC on the LAN, the parent of macvlans. The manifests of Spiderpool's documents use the same name. */
export const NODE_NIC = 'ens160';

/** The LAN, with the router as gateway. Nodes and underlay pods are on it. */
export const underlay = {
  cidr: { 4: '10.6.0.0/16', 6: 'fd00:10:6::/64' },
  prefixLength: { 4: 16, 6: 64 },
  gateway: { 4: '10.6.0.1', 6: 'fd00:10:6::1' },
} as const;

/** Name of every node's NIC on the second LAN. It has no address, because it serves only pods. */
export const SECOND_NODE_NIC = 'ens192';

/** A second LAN behind the same router. Pods have addresses on it, nodes do not. */
export const secondLan = {
  cidr: { 4: '10.7.0.0/16', 6: 'fd00:10:7::/64' },
  prefixLength: { 4: 16, 6: 64 },
  gateway: { 4: '10.7.0.1', 6: 'fd00:10:7::1' },
} as const;

/** Name of every node's NIC on the third LAN, which is like the second. */
export const THIRD_NODE_NIC = 'ens224';

/** A third LAN behind the same router, like the second. */
export const thirdLan = {
  cidr: { 4: '10.8.0.0/16', 6: 'fd00:10:8::/64' },
  prefixLength: { 4: 16, 6: 64 },
  gateway: { 4: '10.8.0.1', 6: 'fd00:10:8::1' },
} as const;

/** A branch office behind the router: a network for policy routes of pods. */
export const branch = {
  cidr: { 4: '10.99.0.0/24', 6: 'fd00:10:99::/64' },
  prefixLength: { 4: 24, 6: 64 },
  gateway: { 4: '10.99.0.1', 6: 'fd00:10:99::1' },
  client: { 4: '10.99.0.2', 6: 'fd00:10:99::2' },
} as const;

/** The outside world behind the router (RFC 5737 and RFC 3849 documentation networks). */
export const outside = {
  prefixLength: { 4: 24, 6: 64 },
  gateway: { 4: '192.0.2.1', 6: '2001:db8::1' },
  client: { 4: '192.0.2.10', 6: '2001:db8::10' },
} as const;

/** The network of overlay pods; each node has one part of it. */
export const overlayCidr: DualStack = { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' };

/** The network of ClusterIPs. */
export const serviceCidr: DualStack = { 4: '10.96.0.0/16', 6: 'fd00:10:96::/112' };

/** The most nodes for which the plan has addresses. */
export const MAXIMUM_NODES = 50;

export interface LabNode {
  readonly name: string;
  /** 1 … {@link MAXIMUM_NODES}. */
  readonly number: number;
  readonly address: DualStack;
  /** The node's part of the overlay network. */
  readonly overlayCidr: DualStack;
  /** The node's own address in the overlay, used if the overlay is encapsulated. */
  readonly tunnelAddress: DualStack;
  /** net.ipv4.conf.*.rp_filter, as the node's distribution sets it. The namespaces of its pods inherit it. */
  readonly rpFilter: RpFilter;
}

/** Off, or strict (ip-sysctl.rst). */
export type RpFilter = 0 | 1;

/** The nodes node1 … nodeN. */
export function labNodes(count: number, rpFilterOf: (number: number) => RpFilter = () => 0): LabNode[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    return {
      name: `node${number}`,
      number,
      address: { 4: `10.6.212.${100 + number}`, 6: `fd00:10:6::${100 + number}` },
      overlayCidr: { 4: `10.244.${number}.0/24`, 6: `fd00:10:244:${number.toString(16)}::/64` },
      tunnelAddress: { 4: `10.244.${number}.1`, 6: `fd00:10:244:${number.toString(16)}::1` },
      rpFilter: rpFilterOf(number),
    };
  });
}

export const bothFamilies: readonly Family[] = [4, 6];
