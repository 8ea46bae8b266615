// The nftables rules of one address and port of a Service, in the words of nft(8).

import { type Cidr, type Family, formatAddress, formatCidr } from '#ip';
import type { Frontend, Place } from '../service/index.ts';
import type { PacketEntry } from './packet-entries.ts';

/** The whole table is ours. */
export const SERVICE_TABLE = 'orbweaver-services';

/** kube-proxy has this bit for the same purpose (`--iptables-masquerade-bit` 14), so other products leave it alone. */
export const MASQUERADE_MARK = '0x4000';

/** Where the rules of a front are entered: maps and sets whose key is address, protocol and port. */
export const entrances = ['services', 'firewall', 'refused', 'dropped'] as const;
export type Entrance = (typeof entrances)[number];

/** Whether an element of it names the chain where the packet goes on. */
export const isMap = (entrance: Entrance) => entrance === 'services' || entrance === 'firewall';

/** How the kernel's objects of one front are named. */
export interface FrontNames {
  /** The key in the maps and sets, as nft writes it. */
  readonly key: string;
  readonly family: Family;
  /** The chain that chooses a backend. Its name is unique. */
  readonly chain: string;
}

/** What the kernel has of one front. */
export interface FrontObjects extends FrontNames {
  readonly enters: ReadonlySet<Entrance>;
  /** With affinity: the chain of each backend. A set of the same name has its clients. */
  readonly members: readonly string[];
}

export interface FrontRules extends FrontObjects {
  /** By chain: its rules. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** The chain that checks the sender of a front. */
export const firewallChain = (chain: string) => `from-${chain}`;

/** With affinity: the chain of one backend, behind the name of the front's chain. */
const TO = '-to-';
/** The front's chain of such a chain; undefined for another one. */
export function chainOfMember(name: string): string | undefined {
  const at = name.indexOf(TO);
  return at < 0 ? undefined : name.slice(0, at);
}

/** How nft names the header of each family. */
export const ipWords: Readonly<Record<Family, string>> = { 4: 'ip', 6: 'ip6' };
const MARK = `meta mark set meta mark | ${MASQUERADE_MARK}`;

/** An address with a port in a name: nft allows no colon there. */
const inName = ({ address, port }: Place) => `${formatAddress(address).replaceAll(':', '_')}-${port}`;

export function frontNames({ address, port, protocol }: Frontend): FrontNames {
  const word = protocol.toLowerCase();
  return {
    key: `${formatAddress(address)} . ${word} . ${port}`,
    family: address.family,
    chain: `${word}-${inName({ address, port })}`,
  };
}

export function frontRules(entry: PacketEntry): FrontRules {
  const { frontend, backends, outside, sources } = entry;
  const names = frontNames(frontend);
  const { family, chain } = names;
  const protocol = frontend.protocol.toLowerCase();
  const enters = new Set<Entrance>();
  const hasBackends = backends.ready.length > 0;
  if (hasBackends) enters.add('services');
  else enters.add('refused');
  // A load balancer hears nothing from a node without endpoints, and asks another one.
  if (hasBackends && outside?.length === 0) enters.add('dropped');
  if (sources !== undefined) enters.add('firewall');

  const isSticky = backends.affinitySeconds > 0;
  const places = isSticky ? distinct([...backends.ready, ...(outside ?? [])]) : [];
  const members = new Map(places.map((place) => [inName(place), `${chain}${TO}${inName(place)}`]));
  const choose = (among: readonly Place[], match = ''): string[] => {
    if (among.length === 0) return [];
    const before = match === '' ? '' : `${match} `;
    if (!isSticky) return [`${before}meta l4proto ${protocol} ${translation(among, family)}`];
    const chosen = among.map((place) => members.get(inName(place)) ?? '');
    const random = chosen.map((name, index) => `${index} : goto ${name}`).join(', ');
    return [
      ...chosen.map((name) => `${before}${ipWords[family]} saddr @${name} goto ${name}`),
      `${before}numgen random mod ${chosen.length} vmap { ${random} }`,
    ];
  };
  const inside = `${ipWords[family]} saddr @inside${family}`;
  const comment = `comment "${entry.service}"`;
  const rules: string[] = [];
  if (entry.claim === 'ClusterIP')
    rules.push(`${ipWords[family]} saddr != @inside${family} ${MARK}`, ...choose(backends.ready));
  else if (outside === undefined) rules.push(MARK, ...choose(backends.ready));
  else
    rules.push(
      ...choose(backends.ready, inside),
      `fib saddr type local ${MARK}`,
      ...choose(backends.ready, 'fib saddr type local'),
      ...choose(outside),
    );
  const chains = new Map<string, readonly string[]>();
  for (const place of places) {
    const name = members.get(inName(place)) ?? '';
    chains.set(name, [
      `update @${name} { ${ipWords[family]} saddr timeout ${backends.affinitySeconds}s }`,
      `meta l4proto ${protocol} ${translation([place], family)}`,
    ]);
  }
  if (hasBackends) chains.set(chain, [`counter ${comment}`, ...rules]);
  if (sources !== undefined) chains.set(firewallChain(chain), firewallRules(sources, family, comment));
  return { ...names, enters, members: [...members.values()], chains };
}

function firewallRules(sources: readonly Cidr[], family: Family, comment: string): string[] {
  const allowed = sources.map((range) => `${ipWords[family]} saddr ${formatCidr(range)} return`);
  return [...allowed, `counter drop ${comment}`];
}

function translation(places: readonly Place[], family: Family): string {
  const to = `dnat ${ipWords[family]} to`;
  const [only] = places;
  if (only !== undefined && places.length === 1) {
    const text = formatAddress(only.address);
    return `${to} ${family === 4 ? text : `[${text}]`}:${only.port}`;
  }
  const choices = places.map(({ address, port }, index) => `${index} : ${formatAddress(address)} . ${port}`);
  return `${to} numgen random mod ${places.length} map { ${choices.join(', ')} }`;
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [inName(place), place])).values()];
}
