// Rules of the node's nftables table. They keep packets from local pods to overlay pods of other nodes from being
// dropped as INVALID.

import { type Cidr, type Family, formatCidr } from '#ip';
import type { DesiredTableRule } from '../state/index.ts';
import { ipWords, tableRule } from './table-rule.ts';

const CHAIN = 'forward';

/** Before the chains of iptables (mangle -150, filter 0) and before any program that drops INVALID packets. */
const HOOK = 'type filter hook forward priority mangle - 10; policy accept;';

/**
 * An underlay pod sends a request to an overlay pod of another node through its own node. The reply comes directly over
 * the LAN. The node sees only half of the connection. Conntrack marks the second packet INVALID, and kube-proxy drops
 * it (kubernetes #74839, #117924). `notrack` after conntrack makes only such a packet untracked. Conntrack handles
 * every other packet as usual: docs/adr/0022.
 */
export function halfOpenRules(networks: readonly Cidr[], families: readonly Family[]): DesiredTableRule[] {
  return families.flatMap((family) => rulesOf(networks, family));
}

/**
 * One rule for the networks of a family. It is added to the existing rules, because pods may be planned with different
 * networks.
 */
function rulesOf(networks: readonly Cidr[], family: Family): DesiredTableRule[] {
  const own = networks.filter(({ address }) => address.family === family).map(formatCidr);
  if (own.length === 0) return [];
  const overlay = `{ ${[...new Set(own)].sort().join(', ')} }`;
  const ip = ipWords[family];
  // Pods are connected by veths, including an overlay's pair of a pod with an underlay NIC. Packets that enter by the
  // node's NICs keep their conntrack state.
  const rule = `ct state invalid meta iifkind { "veth", "netkit" } ${ip} daddr ${overlay} ${ip} saddr != ${overlay} notrack`;
  return [tableRule(CHAIN, HOOK, rule)];
}
