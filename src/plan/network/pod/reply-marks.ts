// The pod's nftables table: replies to connections that came in through veth0 leave through veth0.

import { CONNECTION_BIT, type DesiredTable, NFT_TABLE, ruleComment } from '../state/index.ts';

interface Chain {
  readonly name: string;
  readonly hook: string;
  readonly rule: string;
}

/** Which replies go back by the link of their connection, and the mark that selects their route. */
export interface ReplyMarking {
  readonly dev: string;
  /** If true, connections to the link's own addresses are not marked. Source rules already route their replies back. */
  readonly exceptOwn: boolean;
  readonly mark: number;
}

/**
 * NodePort with externalTrafficPolicy Local and Services on the same node reach the pod with a client's address. The
 * pod's routes send that address elsewhere (Spiderpool #2039). A packet that an application marked keeps its mark and
 * its route. Spiderpool restores the mark without a mask, which clears marks of Istio, TPROXY and WireGuard.
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
      // A chain of type route: the kernel looks up the route again when the mark has changed.
      hook: 'type route hook output priority mangle; policy accept;',
      rule: `meta mark 0x0 ct mark & ${bit} == ${bit} meta mark set ${mark}`,
    },
  ];
  const body = chains.map(
    ({ name, hook, rule }) =>
      `  chain ${name} {\n    ${hook}\n    ${rule} comment "${ruleComment(rule)}"\n  }`,
  );
  const table = `inet ${NFT_TABLE}`;
  // The table is added first, because deleting a missing table fails (nft(8)).
  const commands = [`add table ${table}`, `delete table ${table}`, `table ${table} {`, ...body, '}', ''].join(
    '\n',
  );
  const rules = chains.map(({ name, rule }) => ({ chain: name, comment: ruleComment(rule), commands }));
  return { name: NFT_TABLE, rules };
}

/** The marking that a table with these rules does. Undefined if none of the rules is ours for one of the links. */
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
