// The node's nftables table: what its pods send to overlay pods of other nodes is not dropped as INVALID.

import { type Cidr, type Family, formatCidr } from '#ip';
import type { DesiredTable, DesiredTableRule } from './desired.ts';
import { NFT_TABLE, ruleComment } from './reply-marks.ts';

const CHAIN = 'forward';

/** Before the chains of iptables (mangle -150, filter 0) and of whoever drops what is INVALID. */
const HOOK = 'type filter hook forward priority mangle - 10; policy accept;';

const WORDS = { 4: 'ip', 6: 'ip6' } as const;

/**
 * An underlay pod asks an overlay pod of another node through its own node; the answer comes straight over the LAN. The node sees half
 * of the connection, and conntrack calls the second packet INVALID, which kube-proxy drops (kubernetes #74839, #117924).
 * `notrack` after conntrack makes such a packet untracked, and leaves every other one to conntrack: docs/adr/0022.
 */
export function halfOpenTable(networks: readonly Cidr[], families: readonly Family[]): DesiredTable {
  return { name: NFT_TABLE, rules: families.flatMap((family) => rulesOf(networks, family)) };
}

/** One rule for a family's networks. It is added to what is there: pods may be planned with different networks. */
function rulesOf(networks: readonly Cidr[], family: Family): DesiredTableRule[] {
  const own = networks.filter(({ address }) => address.family === family).map(formatCidr);
  if (own.length === 0) return [];
  const overlay = `{ ${[...new Set(own)].sort().join(', ')} }`;
  const ip = WORDS[family];
  // Pods hang on veths, an overlay's pair with an underlay NIC among them; what comes in by the node's NICs keeps its state.
  const rule = `ct state invalid meta iifkind { "veth", "netkit" } ${ip} daddr ${overlay} ${ip} saddr != ${overlay} notrack`;
  const comment = ruleComment(rule);
  const table = `inet ${NFT_TABLE}`;
  const commands = [
    `add table ${table}`,
    `add chain ${table} ${CHAIN} { ${HOOK} }`,
    `add rule ${table} ${CHAIN} ${rule} comment "${comment}"`,
    '',
  ].join('\n');
  return [{ chain: CHAIN, comment, commands }];
}
