// The names and numbers that Spiderpool gave its tables, rules and links: other tools and people know them.

import { fingerprint } from './mac.ts';

/** Pod: what must go back through the node; rule 1000 sends marked replies here. Another one where a program uses it. */
export const REPLY_TABLE = 100;

/** Pod: the table of the first NIC besides the pod's own first; later NICs follow. */
export const FIRST_NIC_TABLE = 101;

/** Pod: `fwmark 0x1 lookup 100`. */
export const REPLY_RULE_PRIORITY = 1000;

/** Pod: `from 10.7.168.173 lookup 101`, after the mark, so that marked replies keep their way (Spiderpool chose 999). */
export const SOURCE_RULE_PRIORITY = 1001;

/** Pod: `from all ipproto tcp sport 1-65534 lookup 98`, after the kernel's own last rule (32767); see last-resort.ts. */
export const LAST_RULE_PRIORITY = 32_768;

/** Node: `from all lookup 500`. */
export const HOST_RULE_PRIORITY = 1000;

/** The pod's end of the veth pair to its node. */
export const POD_LINK = 'veth0';

/**
 * The node's end: with eleven characters of the container id it just fits an interface name (IFNAMSIZ). The ids of
 * containerd and CRI-O are random hex digits; of others the beginning tells nothing, so that a hash of the whole stands in.
 */
export function hostLinkName(containerId: string): string {
  const tells = containerId.length <= 11 || /^[0-9a-f]{11}/.test(containerId);
  const mark = tells ? containerId.slice(0, 11) : containerId.slice(0, 3) + fingerprint(containerId);
  return `veth${mark}`;
}

/** An IPv6 link needs that much (RFC 8200 §5); the kernel takes IPv6 off a link with less. */
export const LEAST_IPV6_MTU_BYTES = 1280;

/** What the kernel gives an IPv6 route without a metric. */
export const IPV6_DEFAULT_METRIC = 1024;
