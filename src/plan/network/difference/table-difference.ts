// Compares the present nftables table with the desired one.

import type { NftRule } from '#net';
import type { DesiredTable } from '../state/index.ts';
import type { Finding } from './finding.ts';

export function tableFindings(desired: DesiredTable | undefined, found: readonly NftRule[]): Finding[] {
  if (desired === undefined) return [];
  const name = `nftables table inet ${desired.name}`;
  if (desired.rules.length > 0 && found.length === 0) {
    const commands = [...new Set(desired.rules.map((rule) => rule.commands))].join('');
    return [{ problem: `${name} is missing or empty`, fix: { kind: 'nft', commands } }];
  }
  return desired.rules
    .filter((rule) => !found.some((other) => other.chain === rule.chain && other.comment === rule.comment))
    .map(({ chain, comment, commands }) => ({
      problem: `rule '${comment}' of chain ${chain} in ${name} is missing`,
      fix: { kind: 'nft', commands },
    }));
}
