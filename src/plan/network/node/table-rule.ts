// One rule of the node's nftables table, in the words of nft(8).

import type { Family } from '#ip';
import { type DesiredTableRule, NFT_TABLE, ruleComment } from '../state/index.ts';

/** How nft names the header of each family. */
export const ipWords: Readonly<Record<Family, string>> = { 4: 'ip', 6: 'ip6' };

/** `hook`: what makes the chain a base chain. The chain is made with its first rule. */
export function tableRule(chain: string, hook: string, rule: string): DesiredTableRule {
  const comment = ruleComment(rule);
  const table = `inet ${NFT_TABLE}`;
  const commands = [
    `add table ${table}`,
    `add chain ${table} ${chain} { ${hook} }`,
    `add rule ${table} ${chain} ${rule} comment "${comment}"`,
    '',
  ].join('\n');
  return { chain, comment, commands };
}
