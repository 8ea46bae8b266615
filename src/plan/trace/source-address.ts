// Which of its addresses a host sends from: the route's own source, or else the kernel's choice (inet_select_addr for
// IPv4, RFC 6724 for IPv6).

import { type Address, addressBytes, type Cidr, cidrContains, networkOf, parseCidr, sameAddress } from '#ip';
import type { InterfaceAddress, NextHop, Route, Scope } from '#net';
import type { NamespaceView } from './view.ts';

type Addresses = Pick<NamespaceView, 'addresses' | 'links'>;

/** Undefined if the host has no address of the family. */
export function sourceFor(view: Addresses, destination: Address, route: Route, hop: NextHop) {
  if (route.source !== undefined) return route.source;
  if (route.type === 'local') return destination;
  return destination.family === 4
    ? ipv4Source(view, route, hop)
    : ipv6Source(view, destination, hop.dev ?? '');
}

/** Rtnetlink's numbers. An address is usable if its scope is not larger than the route's. */
const scopeNumbers: Readonly<Record<Scope, number>> = {
  global: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};

/** The first address of the link, preferably one of the gateway's network. Otherwise the first of any link. */
function ipv4Source({ addresses, links }: Addresses, route: Route, { dev, gateway }: NextHop) {
  const scope = scopeNumbers[route.scope];
  const own = primaries(addresses, dev ?? '').filter(
    (each) => Math.min(scopeNumbers[each.scope], scopeNumbers.link) <= scope,
  );
  const first = gateway?.family === 4 ? own.find(({ address }) => cidrContains(address, gateway)) : undefined;
  const chosen = first ?? own[0];
  if (chosen !== undefined) return chosen.address.address;
  return links
    .flatMap(({ name }) => primaries(addresses, name))
    .find((each) => each.scope !== 'link' && scopeNumbers[each.scope] <= scope)?.address.address;
}

/** The kernel marks the second address of a network as secondary and never chooses it. */
function primaries(addresses: readonly InterfaceAddress[], dev: string): InterfaceAddress[] {
  const own = addresses.filter((each) => each.dev === dev && each.address.address.family === 4);
  return own.filter(
    (each, i) =>
      !own
        .slice(0, i)
        .some(
          (earlier) =>
            earlier.address.prefixLength === each.address.prefixLength &&
            cidrContains(networkOf(earlier.address), each.address.address),
        ),
  );
}

const LINK_LOCAL = parseCidr('fe80::/10');
const MULTICAST = parseCidr('ff00::/8');
const LOOPBACK = parseCidr('::1/128');

/**
 * RFC 6724 §5 with the kernel's default labels. For a link-local or multicast destination, only addresses of the link
 * are used.
 */
function ipv6Source({ addresses, links }: Addresses, destination: Address, dev: string) {
  const narrow = [LINK_LOCAL, MULTICAST].some((net) => cidrContains(net, destination));
  const order = narrow ? [dev] : links.map(({ name }) => name);
  const candidates = order
    .flatMap((name) => addresses.filter((each) => each.dev === name && each.address.address.family === 6))
    .filter(({ tentative, dadFailed }) => tentative !== true && dadFailed !== true);
  let best: InterfaceAddress | undefined;
  for (const each of candidates) {
    if (best === undefined || isPreferred(each, best, destination, dev)) best = each;
  }
  return best?.address.address;
}

/** Rules 1, 2, 5, 6 and 8. The other rules need data that a dump does not contain. */
function isPreferred(one: InterfaceAddress, than: InterfaceAddress, destination: Address, dev: string) {
  const scores = (each: InterfaceAddress) => {
    const { address, prefixLength } = each.address;
    return [
      Number(sameAddress(address, destination)),
      scopeScore(scopeOf(address), scopeOf(destination)),
      Number(each.dev === dev),
      Number(labelOf(address) === labelOf(destination)),
      Math.min(commonBits(address, destination), prefixLength),
    ];
  };
  const [mine, theirs] = [scores(one), scores(than)];
  const decisive = mine.findIndex((score, i) => score !== theirs[i]);
  return decisive >= 0 && (mine[decisive] ?? 0) > (theirs[decisive] ?? 0);
}

/** RFC 4291 §2.7, RFC 6724 §3.1. */
function scopeOf(address: Address): number {
  if (cidrContains(MULTICAST, address)) return Number((address.value >> 112n) & 0xfn);
  if (cidrContains(LOOPBACK, address)) return 1;
  return cidrContains(LINK_LOCAL, address) ? 2 : 14;
}

/** The smallest scope that is large enough wins. If none is, the largest wins. */
function scopeScore(scope: number, wanted: number): number {
  return scope >= wanted ? -scope : scope - 128;
}

/** The kernel's label table (net/ipv6/addrlabel.c). The longest prefixes come first. */
const labels: readonly (readonly [Cidr, number])[] = [
  [parseCidr('::1/128'), 0],
  [{ address: { family: 6, value: 0xffffn << 32n }, prefixLength: 96 }, 4],
  [parseCidr('::/96'), 3],
  [parseCidr('2001::/32'), 6],
  [parseCidr('2001:10::/28'), 7],
  [parseCidr('2002::/16'), 2],
  [parseCidr('fc00::/7'), 5],
];

function labelOf(address: Address): number {
  return labels.find(([net]) => cidrContains(net, address))?.[1] ?? 1;
}

function commonBits(a: Address, b: Address): number {
  const [left, right] = [addressBytes(a), addressBytes(b)];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 ? 128 : at * 8 + Math.clz32((left[at] ?? 0) ^ (right[at] ?? 0)) - 24;
}
