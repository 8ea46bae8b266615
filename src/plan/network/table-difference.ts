// The nftables table as it is against the one that we want.

import type { DesiredTable } from './desired.ts';
import type { Finding, Mend } from './finding.ts';
import type { ObservedNamespace } from './observed.ts';

export function tableFindings(desired: DesiredTable | undefined, observed: ObservedNamespace): Finding[] {
  if (desired === undefined) return [];
  const name = `nftables table ${desired.family} ${desired.name}`;
  const mend: Mend = { kind: 'table', table: desired };
  if (observed.table === undefined) return [{ problem: `${name} is missing`, mend }];
  const found = tableRules(observed.table);
  return desired.rules
    .filter((rule) => !found.some((other) => other.chain === rule.chain && other.comment === rule.comment))
    .map((rule) => ({
      problem: `rule '${rule.comment}' of chain ${rule.chain} in ${name} is missing`,
      mend,
    }));
}

/** The rules in nft's JSON (libnftables-json(5)): objects of the list with a member `rule`. */
function tableRules(table: unknown): { chain?: unknown; comment?: unknown }[] {
  const listed = (table as { nftables?: unknown } | null)?.nftables;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    const rule = (entry as { rule?: unknown } | null)?.rule;
    return typeof rule === 'object' && rule !== null ? [rule] : [];
  });
}
