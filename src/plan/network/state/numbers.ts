// The names and numbers that Spiderpool gave its tables, rules and links. Other tools and people know them.

import { type Address, type Family, parseAddress, sameAddress } from '#ip';
import { fingerprint } from './mac.ts';

/**
 * Pod: the table for packets that must go back through the node. Rule 1000 sends marked replies here. If another
 * program uses this table, another number is chosen.
 */
export const REPLY_TABLE = 100;

/** Pod: the table of the second NIC. Later NICs get the next numbers. */
export const FIRST_NIC_TABLE = 101;

/** Pod: `fwmark 0x1 lookup 100`. */
export const REPLY_RULE_PRIORITY = 1000;

/**
 * Pod: `from 10.7.168.173 lookup 101`. It comes after the mark rule, so that marked replies keep their way (Spiderpool
 * chose 999).
 */
export const SOURCE_RULE_PRIORITY = 1001;

/**
 * Pod: `from all ipproto tcp sport 1-65534 lookup 98`. It comes after the kernel's own last rule (32767). See
 * last-resort.ts.
 */
export const LAST_RULE_PRIORITY = 32_768;

/** Node: `from all lookup 500`. */
export const HOST_RULE_PRIORITY = 1000;

/** The pod's end of the veth pair to its node. */
export const POD_LINK = 'veth0';

/**
 * The name of the node's end. With eleven characters of the container id it just fits into an interface name
 * (IFNAMSIZ). Ids of containerd and CRI-O are random hex digits. Other ids may begin alike, so a hash of the whole id
 * is used.
 */
export function hostLinkName(containerId: string): string {
  const tells = containerId.length <= 11 || /^[0-9a-f]{11}/.test(containerId);
  const mark = tells ? containerId.slice(0, 11) : containerId.slice(0, 3) + fingerprint(containerId);
  return `veth${mark}`;
}

/** The smallest MTU of an IPv6 link (RFC 8200 §5). The kernel removes IPv6 from a link with less. */
export const LEAST_IPV6_MTU_BYTES = 1280;

/** The metric that the kernel gives an IPv6 route without one. */
export const IPV6_DEFAULT_METRIC = 1024;

/**
 * The packet mark that rule 1000 matches: Spiderpool's fwmark 0x1. Another one is chosen if a rule of another program
 * matches this one.
 */
export const REPLY_MARK = 0x1;

/** The bit of the connection mark that means "came in through veth0". Applications own the other bits. */
export const CONNECTION_BIT = 0x1;

/** Our nftables table, in the pod's namespace and in the node's. */
export const NFT_TABLE = 'orbweaver';

/** The next hop of pods whose only way is their node. Every node's end of such a pair has it. */
const linkGateways = { 4: parseAddress('169.254.1.1'), 6: parseAddress('fe80::1') } as const;

export function linkGateway(family: Family): Address {
  return linkGateways[family];
}

export function isLinkGateway(address: Address): boolean {
  return sameAddress(address, linkGateways[address.family]);
}
