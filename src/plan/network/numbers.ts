// The names and numbers that Spiderpool gave its tables, rules and links: other tools and people know them.

/** Pod: what must go back through the node; rule 1000 sends marked replies here. */
export const REPLY_TABLE = 100;

/** Pod: the table of the first NIC; later NICs follow. */
export const FIRST_NIC_TABLE = 101;

/** Pod: `fwmark 0x1 lookup 100`; rules by source come after it, so that marked replies keep their way. */
export const REPLY_RULE_PRIORITY = 1000;

/** Node: `from all lookup 500`. */
export const HOST_RULE_PRIORITY = 1000;

/** The pod's end of the veth pair to its node. */
export const POD_LINK = 'veth0';

/** The node's end: with eleven characters of the container id it just fits an interface name (IFNAMSIZ). */
export function hostLinkName(containerId: string): string {
  return `veth${containerId.slice(0, 11)}`;
}

/** An IPv6 link needs that much (RFC 8200 §5); the kernel takes IPv6 off a link with less. */
export const LEAST_IPV6_MTU_BYTES = 1280;

/** What the kernel gives an IPv6 route without a metric. */
export const IPV6_DEFAULT_METRIC = 1024;
