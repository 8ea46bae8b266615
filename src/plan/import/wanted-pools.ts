// The SpiderIPPools that an import makes, and what speaks against them.

import { resources, type SpiderIPPool } from '#api';
import { cidrLabel, cidrsOverlap, type Family, formatAddress, formatCidr, sameCidr } from '#ip';
import { readPoolNetwork } from '#plan/ipam';
import type { SourceNetwork } from './network.ts';
import type { ImportSource, SourceRange } from './source-conf.ts';

/** On each pool that an import made: the program that its addresses came from. */
export const IMPORTED_LABEL = 'orbweaver.io/imported-from';

/** A pool for the same range of one or more networks. */
export interface WantedPool {
  readonly name: string;
  readonly range: SourceRange;
}

/** One pool for each range that differs. */
export function wantedPools(source: ImportSource, networks: readonly SourceNetwork[]): WantedPool[] {
  const byKey = new Map<string, WantedPool>();
  for (const { conf } of networks) {
    for (const range of [...conf.ranges[4], ...conf.ranges[6]]) {
      if (!byKey.has(keyOf(range))) byKey.set(keyOf(range), { name: nameOf(source, range), range });
    }
  }
  return [...byKey.values()];
}

/** The names of the pools of a network, in the order in which its plugin tries its ranges. */
export function poolsOfNetwork(
  { conf }: SourceNetwork,
  wanted: readonly WantedPool[],
): Readonly<Record<Family, readonly string[]>> {
  const names = (family: Family) =>
    conf.ranges[family].flatMap(
      (range) => wanted.find((one) => keyOf(one.range) === keyOf(range))?.name ?? [],
    );
  return { 4: names(4), 6: names(6) };
}

/** Ranges that differ have different first addresses, or they overlap. */
function nameOf(source: ImportSource, { subnet, addresses }: SourceRange): string {
  const first = addresses.first() ?? subnet.address;
  return `${source}-${cidrLabel({ address: first, prefixLength: subnet.prefixLength })}`;
}

function keyOf({ subnet, addresses, gateway, routes }: SourceRange): string {
  const via = gateway === undefined ? '' : formatAddress(gateway);
  return JSON.stringify([formatCidr(subnet), addresses.format(), via, routes]);
}

/** The object to create. Nobody gets an address of it until all records are in it. */
export function poolObject(source: ImportSource, { name, range }: WantedPool): SpiderIPPool {
  const { subnet, addresses, gateway, routes } = range;
  return resources.spiderIPPools.schema.parse({
    metadata: { name, labels: { [IMPORTED_LABEL]: source } },
    spec: {
      ipVersion: subnet.address.family,
      subnet: formatCidr(subnet),
      ips: addresses.format(),
      ...(gateway !== undefined && { gateway: formatAddress(gateway) }),
      ...(routes.length > 0 && { routes: [...routes] }),
      disable: true,
    },
  });
}

export function isImported({ metadata }: SpiderIPPool, source: ImportSource): boolean {
  return metadata.labels?.[IMPORTED_LABEL] === source;
}

/** Ranges and pools that share addresses: Orbweaver gives each address from one pool. */
export function poolObstacles(
  source: ImportSource,
  wanted: readonly WantedPool[],
  existing: readonly SpiderIPPool[],
): string[] {
  const own = new Set(wanted.map(({ name }) => name));
  const taken = existing.filter((pool) => own.has(pool.metadata.name ?? '') && !isImported(pool, source));
  const others = existing.filter((pool) => !own.has(pool.metadata.name ?? ''));
  return [
    ...wanted.flatMap((one, index) => wanted.slice(index + 1).flatMap((two) => rivals(one, two))),
    ...taken.map(({ metadata }) => `SpiderIPPool ${metadata.name ?? ''} exists, and no import made it`),
    ...wanted.flatMap((one) => others.flatMap((pool) => overlaps(one, pool))),
  ];
}

function rivals({ range: a }: WantedPool, { range: b }: WantedPool): string[] {
  if (!cidrsOverlap(a.subnet, b.subnet)) return [];
  const pair = `${formatCidr(a.subnet)} [${a.addresses.format().join(' ')}] and ${formatCidr(b.subnet)} [${b.addresses.format().join(' ')}]`;
  if (!sameCidr(a.subnet, b.subnet)) return [`the ranges ${pair} overlap: give both the same network`];
  if (a.addresses.intersection(b.addresses).isEmpty) return [];
  return a.addresses.equals(b.addresses)
    ? [`the range ${formatCidr(a.subnet)} is used with different gateways or routes: make them alike`]
    : [`the ranges ${pair} overlap: make them alike, or give them different addresses`];
}

function overlaps({ range }: WantedPool, { metadata, spec }: SpiderIPPool): string[] {
  const network = spec === undefined ? undefined : readPoolNetwork(spec, []);
  if (network === undefined || !cidrsOverlap(network.subnet, range.subnet)) return [];
  const isApart =
    sameCidr(network.subnet, range.subnet) && network.addresses.intersection(range.addresses).isEmpty;
  return isApart
    ? []
    : [`SpiderIPPool ${metadata.name ?? ''} has addresses of ${formatCidr(range.subnet)} already`];
}
