// Reads from a namespace what decides the path of a packet: links, addresses, routes, rules, neighbours, sysctls, our tables.

import { type Cidr, parseCidr } from '#ip';
import type { Link, NetworkNamespace } from '#net';
import { NFT_TABLE } from '#plan/network';
import type { Masquerade, NamespaceView } from '#plan/trace';

export interface Sight {
  readonly links: readonly Link[];
  readonly view: NamespaceView;
}

const ipv4Keys = ['rp_filter', 'src_valid_mark', 'forwarding', 'proxy_arp', 'arp_ignore'];

export function seePlace(namespace: NetworkNamespace): Sight {
  const links = namespace.links();
  return {
    links,
    view: {
      links,
      addresses: namespace.addresses(),
      routes: namespace.routes(),
      rules: namespace.rules(),
      neighbours: namespace.neighbours(),
      sysctls: sysctlsOf(namespace, links),
    },
  };
}

function sysctlsOf(namespace: NetworkNamespace, links: readonly Link[]): Map<string, string> {
  const keys = ['all', ...links.map(({ name }) => name)].flatMap((dev) => [
    ...ipv4Keys.map((key) => `ipv4/conf/${dev}/${key}`),
    `ipv6/conf/${dev}/forwarding`,
  ]);
  const values = keys.map((key) => [key, namespace.sysctl(key)] as const);
  return new Map(
    values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value.trim()] as const])),
  );
}

/** The parts of a rule in `nft -j` that matter here: what it compares, and what it does. */
interface NftRuleJson {
  readonly chain: string;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

function rulesOf(namespace: NetworkNamespace, table: string): NftRuleJson[] {
  const listed = namespace.nftTable('inet', table) as { nftables?: { rule?: NftRuleJson }[] } | undefined;
  return (listed?.nftables ?? []).flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
}

/** The networks in our own table of a node: connections into them pass although only one direction is seen. */
export function halfOpenNetworks(namespace: NetworkNamespace): Cidr[] {
  return rulesOf(namespace, NFT_TABLE)
    .filter(({ expr }) => expr.some((each) => 'notrack' in each))
    .flatMap(({ expr }) => expr.flatMap((each) => networksOf(each, 'daddr', '==')));
}

/** The SNAT of a table that masquerades by networks alone, as the natOutgoing of an overlay does. */
export function masqueradesOf(namespace: NetworkNamespace, table: string): Masquerade[] {
  return rulesOf(namespace, table)
    .filter(({ expr }) => expr.some((each) => 'masquerade' in each))
    .flatMap(({ expr }) => {
      const [except] = expr.flatMap((each) => networksOf(each, 'daddr', '!='));
      return expr
        .flatMap((each) => networksOf(each, 'saddr', '=='))
        .map((from) => ({ from, ...(except !== undefined && { except }) }));
    });
}

/** Whether a table looks up the source of IPv6 packets in the FIB, and drops packets whose answer would leave by another link. */
export function isStrict(namespace: NetworkNamespace, table: string): boolean {
  return rulesOf(namespace, table).some(
    ({ expr }) => expr.some((each) => 'drop' in each) && expr.some((each) => asksFib(each)),
  );
}

function asksFib({ match }: Readonly<Record<string, unknown>>): boolean {
  return (match as { left?: { fib?: unknown } } | undefined)?.left?.fib !== undefined;
}

interface Match {
  readonly op?: string;
  readonly left?: { readonly payload?: { readonly field?: string } };
  readonly right?: unknown;
}

function networksOf(expression: Readonly<Record<string, unknown>>, field: string, op: string): Cidr[] {
  const match = expression.match as Match | undefined;
  if (match?.op !== op || match.left?.payload?.field !== field) return [];
  const { right } = match;
  const elements = isSet(right) ? right.set : [right];
  return elements.flatMap((each) => {
    const prefix = (each as { prefix?: { addr: string; len: number } } | undefined)?.prefix;
    return prefix === undefined ? [] : [parseCidr(`${prefix.addr}/${prefix.len}`)];
  });
}

function isSet(right: unknown): right is { readonly set: readonly unknown[] } {
  return typeof right === 'object' && right !== null && 'set' in right && Array.isArray(right.set);
}
