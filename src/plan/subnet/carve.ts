// Which addresses of a subnet a pool gets, and which it gives back.

import { type AddressRange, AddressSet } from '#ip';

/** What a pool's addresses are chosen by. */
export interface CarveFacts {
  /** What the pool has. */
  readonly current: AddressSet;
  /** Addresses of the pool that pods hold. They stay whatever happens. */
  readonly inUse: AddressSet;
  /** Addresses that pools of the subnet may have. */
  readonly usable: AddressSet;
  /** The part of `usable` that no pool has. */
  readonly free: AddressSet;
  /** How many addresses the pool should have. */
  readonly size: number;
}

export interface Carving {
  readonly addresses: AddressSet;
  /** The subnet has too few addresses. Then the pool gets none of them. */
  readonly shortage: { readonly required: bigint; readonly left: bigint } | undefined;
  /** How many addresses are too many, but pods hold them. */
  readonly stuck: number;
}

/**
 * The addresses of the pool. It keeps what it has, as far as that is usable or held by a pod. It gets what it lacks all
 * at once or not at all: two applications that each have a part of the last addresses would both wait.
 */
export function carve({ current, inUse, usable, free, size }: CarveFacts): Carving {
  const kept = current.intersection(usable).union(current.intersection(inUse));
  const wanted = BigInt(size);
  if (kept.count < wanted) {
    const lacking = wanted - kept.count;
    const added = choose(free, kept, lacking);
    if (added !== undefined) return { addresses: kept.union(added), shortage: undefined, stuck: 0 };
    return { addresses: kept, shortage: { required: lacking, left: free.count }, stuck: 0 };
  }
  const excess = kept.count - wanted;
  const unused = kept.difference(inUse);
  const dropped = highest(unused, excess);
  return { addresses: kept.difference(dropped), shortage: undefined, stuck: Number(excess - dropped.count) };
}

/**
 * So many of the free addresses: those right above what the pool has, so that it stays one range. Otherwise the lowest
 * range that is long enough, or the lowest addresses if no range is. Undefined if there are too few.
 */
function choose(free: AddressSet, kept: AddressSet, count: bigint): AddressSet | undefined {
  if (free.count < count) return undefined;
  const ranges = free.ranges;
  const end = kept.ranges.at(-1)?.last.value;
  const long = ranges.filter((range) => sizeOf(range) >= count);
  const next = long.find(({ first }) => end !== undefined && first.value === end + 1n);
  const range = next ?? long[0];
  return range === undefined ? lowest(free, count) : lowest(AddressSet.of(free.family, [range]), count);
}

function lowest(set: AddressSet, count: bigint): AddressSet {
  const taken: AddressRange[] = [];
  let left = count;
  for (const { first, last } of set.ranges) {
    if (left <= 0n) break;
    const end = { family: set.family, value: first.value + left - 1n };
    const part = end.value < last.value ? { first, last: end } : { first, last };
    taken.push(part);
    left -= sizeOf(part);
  }
  return AddressSet.of(set.family, taken);
}

function highest(set: AddressSet, count: bigint): AddressSet {
  const rest = set.count - count;
  return rest <= 0n ? set : set.difference(lowest(set, rest));
}

function sizeOf({ first, last }: AddressRange): bigint {
  return last.value - first.value + 1n;
}
