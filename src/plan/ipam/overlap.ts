// Stored pools that share addresses. Admission refuses them, but objects may be stored past it. Only one pool of an address may
// give it out, so the others are left out until a user has solved it.

import type { SpiderIPPool } from '#api';
import { AddressSet } from '#ip';
import { storedNetwork } from './pool-network.ts';

/** The type of the condition of a pool that is left out. */
export const OVERLAPPING_CONDITION = 'Overlapping';

/** Why a pool is left out, or undefined. */
export function overlapNote({ status }: SpiderIPPool): string | undefined {
  const found = status?.conditions?.find(({ type }) => type === OVERLAPPING_CONDITION);
  return found?.status === 'True' ? (found.message ?? '') : undefined;
}

/**
 * The pools that are left out, with the reason. The oldest pool keeps its addresses. Of pools of the same second it is one
 * whose addresses are in use, then the first by name. A pool that is left out stays so while the overlap lasts.
 */
export function overlapNotes(pools: Iterable<SpiderIPPool>): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  const kept: Kept[] = [];
  // All addresses of the kept pools, so that a pool is compared with each of them only if it overlaps.
  const taken = { 4: AddressSet.empty(4), 6: AddressSet.empty(6) };
  const ranked = sharing(pools)
    .map((one) => ({ ...one, rank: rankOf(one.pool) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
  for (const { pool, addresses } of ranked) {
    const { name = '' } = pool.metadata;
    const { family } = addresses;
    if (addresses.intersection(taken[family]).isEmpty) {
      kept.push({ name, addresses });
      taken[family] = taken[family].union(addresses);
    } else notes.set(name, noteFor(addresses, kept));
  }
  return notes;
}

interface Sharing {
  readonly pool: SpiderIPPool;
  readonly addresses: AddressSet;
}

/** The pools that share addresses with any other one. Mostly there are none, and this is asked at each change of a pool. */
function sharing(pools: Iterable<SpiderIPPool>): Sharing[] {
  const all = Array.from(pools).flatMap((pool) => {
    // A pool that cannot be read gives out nothing, so its readable part is enough.
    const addresses = pool.spec && storedNetwork(pool.spec)?.addresses;
    return addresses === undefined ? [] : [{ pool, addresses }];
  });
  const found = new Set<Sharing>();
  for (const family of [4, 6]) {
    const spans = all
      .filter(({ addresses }) => addresses.family === family)
      .flatMap((of) =>
        of.addresses.ranges.map(({ first, last }) => ({ of, first: first.value, last: last.value })),
      )
      .toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    // Of all spans before, the one that ends last. Each of the others that meets the next span meets this one too.
    let longest = spans[0];
    for (const span of spans.slice(1)) {
      if (longest !== undefined && span.first <= longest.last && span.of !== longest.of)
        found.add(span.of).add(longest.of);
      if (longest === undefined || span.last > longest.last) longest = span;
    }
  }
  return [...found];
}

interface Kept {
  readonly name: string;
  readonly addresses: AddressSet;
}

function noteFor(addresses: AddressSet, kept: readonly Kept[]): string {
  const rivals = kept.flatMap((other) => {
    if (other.addresses.family !== addresses.family) return [];
    const shared = addresses.intersection(other.addresses);
    return shared.isEmpty ? [] : `IPPool ${other.name} in IP ranges [${shared.format().join(' ')}]`;
  });
  return `overlap with ${rivals.join(' and ')}: no pod gets a new address of this pool until this is solved`;
}

/** Sorts as text: marked pools last, then by age, use and name. */
function rankOf(pool: SpiderIPPool): string {
  const { creationTimestamp, name = '' } = pool.metadata;
  const marked = overlapNote(pool) === undefined ? '0' : '1';
  const used = (pool.status?.allocatedIPCount ?? 0) > 0 ? '0' : '1';
  return [marked, creationTimestamp ?? '', used, name].join(' ');
}
