// The pod's nftables table: replies to connections that came in through veth0 leave through veth0.

import type { DesiredTable } from './desired.ts';
import { fingerprint } from './mac.ts';

/** The packet mark that rule 1000 looks for: Spiderpool's fwmark 0x1. Another one where a program's rule looks for it. */
export const REPLY_MARK = 0x1;

/** The bit of the connection mark that remembers "came in through veth0"; the other bits belong to applications. */
export const CONNECTION_BIT = 0x1;

export const NFT_TABLE = 'orbweaver';

interface Chain {
  readonly name: string;
  readonly hook: string;
  readonly rule: string;
}

/** Which answers go back by the link that their connection came in by, and the mark that leads them there. */
export interface ReplyMarking {
  readonly dev: string;
  /** Connections to the link's own addresses are left alone: rules by source lead their answers back already. */
  readonly exceptOwn: boolean;
  readonly mark: number;
}

/**
 * NodePort with externalTrafficPolicy Local and same-node Services reach the pod with a client's address that its
 * routes send elsewhere (Spiderpool #2039). A packet that an application has marked itself keeps its mark and its way:
 * Spiderpool's restore without a mask cleared marks of Istio, TPROXY and WireGuard.
 */
export function replyTable({ dev, exceptOwn, mark: replyMark }: ReplyMarking): DesiredTable {
  const bit = `0x${CONNECTION_BIT.toString(16)}`;
  const mark = `0x${replyMark.toString(16)}`;
  const isOthers = exceptOwn ? ' fib daddr . iif type unicast' : '';
  const chains: Chain[] = [
    {
      name: 'prerouting',
      hook: 'type filter hook prerouting priority mangle; policy accept;',
      rule: `iifname "${dev}" ct state new${isOthers} ct mark set ct mark | ${bit}`,
    },
    {
      name: 'output',
      // A route chain: the kernel looks the route up again where the mark has changed.
      hook: 'type route hook output priority mangle; policy accept;',
      rule: `meta mark 0x0 ct mark & ${bit} == ${bit} meta mark set ${mark}`,
    },
  ];
  const body = chains.map(
    ({ name, hook, rule }) =>
      `  chain ${name} {\n    ${hook}\n    ${rule} comment "${ruleComment(rule)}"\n  }`,
  );
  const table = `inet ${NFT_TABLE}`;
  // Added first, because deleting what is not there fails (nft(8)).
  const commands = [`add table ${table}`, `delete table ${table}`, `table ${table} {`, ...body, '}', ''].join(
    '\n',
  );
  const rules = chains.map(({ name, rule }) => ({ chain: name, comment: ruleComment(rule), commands }));
  return { name: NFT_TABLE, rules };
}

/** What a table with these rules does to answers; undefined where none of them is ours for one of the links. */
export function markingOf(
  rules: readonly { readonly comment: string | undefined }[],
  links: readonly string[],
  mark: number,
): ReplyMarking | undefined {
  const comments = new Set(rules.map(({ comment }) => comment));
  return links
    .flatMap((dev) => [false, true].map((exceptOwn) => ({ dev, exceptOwn, mark })))
    .find((marking) => replyTable(marking).rules.every(({ comment }) => comments.has(comment)));
}

/** nft prints rules in words that differ from version to version: we know ours by a fingerprint of what we asked for. */
export function ruleComment(rule: string): string {
  return `orbweaver ${fingerprint(rule)}`;
}
