// Sets of addresses as sorted ranges. The cost depends on the number of ranges, never on the number of addresses.

import { OrbError } from '#base';
import type { Address, Family } from './address.ts';
import { type Cidr, cidrRange } from './cidr.ts';
import { type AddressRange, formatRange, parseRange } from './range.ts';

/** Values from `first` to `last`, both included. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/** An immutable set of addresses of one family. */
export class AddressSet {
  readonly family: Family;
  /** Sorted, with at least one address between two spans. */
  readonly #spans: readonly Span[];

  private constructor(family: Family, spans: readonly Span[]) {
    this.family = family;
    this.#spans = spans;
  }

  static empty(family: Family): AddressSet {
    return new AddressSet(family, []);
  }

  /** The set of the ranges. They may overlap and have any order. */
  static of(family: Family, ranges: Iterable<AddressRange>): AddressSet {
    const spans: Span[] = [];
    for (const { first, last } of ranges) {
      requireFamily(family, first.family);
      spans.push({ first: first.value, last: last.value });
    }
    return new AddressSet(family, joined(spans));
  }

  static ofAddresses(family: Family, addresses: Iterable<Address>): AddressSet {
    return AddressSet.of(
      family,
      Array.from(addresses, (address) => ({ first: address, last: address })),
    );
  }

  static ofCidr(cidr: Cidr): AddressSet {
    return AddressSet.of(cidr.address.family, [cidrRange(cidr)]);
  }

  /** The set of ranges in Spiderpool's notation. */
  static parse(family: Family, ranges: Iterable<string>): AddressSet {
    return AddressSet.of(
      family,
      Array.from(ranges, (text) => parseRange(text, family)),
    );
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** How many addresses are in the set. */
  get count(): bigint {
    return this.#spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  }

  /** The ranges, sorted. Adjacent ranges are joined. */
  get ranges(): AddressRange[] {
    return this.#spans.map(({ first, last }) => ({ first: this.#address(first), last: this.#address(last) }));
  }

  /** The ranges as text, in Spiderpool's merged form. */
  format(): string[] {
    return this.ranges.map(formatRange);
  }

  contains(address: Address): boolean {
    if (address.family !== this.family) return false;
    const span = this.#spans[this.#indexOf(address.value)];
    return span !== undefined && span.first <= address.value;
  }

  /** Whether every address of `other` is in this set. */
  containsAll(other: AddressSet): boolean {
    return other.difference(this).isEmpty;
  }

  equals(other: AddressSet): boolean {
    if (this === other) return true;
    if (this.family !== other.family || this.#spans.length !== other.#spans.length) return false;
    return this.#spans.every(({ first, last }, index) => {
      const span = other.#spans[index];
      return span?.first === first && span.last === last;
    });
  }

  /**
   * The lowest address that is not in `except` and not skipped. Ranges of `except` are skipped as a whole. `skip` is
   * called once for each address up to the result, so it must return false for some address.
   */
  first(
    except = AddressSet.empty(this.family),
    skip: (address: Address) => boolean = () => false,
  ): Address | undefined {
    for (const { first, last } of this.#spans) {
      for (let value = first; value <= last; value++) {
        const hole = except.#spans[except.#indexOf(value)];
        if (hole !== undefined && hole.first <= value) {
          value = hole.last;
        } else if (!skip(this.#address(value))) {
          return this.#address(value);
        }
      }
    }
    return undefined;
  }

  union(other: AddressSet): AddressSet {
    requireFamily(this.family, other.family);
    return new AddressSet(this.family, joined([...this.#spans, ...other.#spans]));
  }

  intersection(other: AddressSet): AddressSet {
    requireFamily(this.family, other.family);
    const spans: Span[] = [];
    let theirs = 0;
    for (const mine of this.#spans) {
      for (let span = other.#spans[theirs]; span !== undefined; span = other.#spans[++theirs]) {
        const first = larger(mine.first, span.first);
        const last = smaller(mine.last, span.last);
        if (first <= last) spans.push({ first, last });
        if (span.last > mine.last) break;
      }
    }
    return new AddressSet(this.family, spans);
  }

  /** The addresses of this set that are not in `other`. */
  difference(other: AddressSet): AddressSet {
    requireFamily(this.family, other.family);
    const spans: Span[] = [];
    let theirs = 0;
    for (const mine of this.#spans) {
      let first = mine.first;
      for (let span = other.#spans[theirs]; span !== undefined; span = other.#spans[++theirs]) {
        if (span.first > mine.last) break;
        if (span.first > first) spans.push({ first, last: span.first - 1n });
        if (span.last >= first) first = span.last + 1n;
        if (span.last > mine.last) break;
      }
      if (first <= mine.last) spans.push({ first, last: mine.last });
    }
    return new AddressSet(this.family, spans);
  }

  /** This set with `address` added. The cost is one binary search and a copy of the ranges' array. */
  with(address: Address): AddressSet {
    requireFamily(this.family, address.family);
    if (this.contains(address)) return this;
    const index = this.#indexOf(address.value);
    const before = this.#spans[index - 1];
    const after = this.#spans[index];
    const joinsBefore = before?.last === address.value - 1n;
    const joinsAfter = after?.first === address.value + 1n;
    const span = {
      first: joinsBefore ? before.first : address.value,
      last: joinsAfter ? after.last : address.value,
    };
    return this.#spliced(joinsBefore ? index - 1 : index, joinsAfter ? index + 1 : index, [span]);
  }

  /** This set without `address`. It costs as much as {@link AddressSet.with}. */
  without(address: Address): AddressSet {
    if (!this.contains(address)) return this;
    const index = this.#indexOf(address.value);
    const { first, last } = this.#spans[index] as Span;
    const halves = [
      { first, last: address.value - 1n },
      { first: address.value + 1n, last },
    ];
    return this.#spliced(
      index,
      index + 1,
      halves.filter((half) => half.first <= half.last),
    );
  }

  #spliced(start: number, end: number, spans: readonly Span[]): AddressSet {
    return new AddressSet(this.family, [...this.#spans.slice(0, start), ...spans, ...this.#spans.slice(end)]);
  }

  /** The index of the first range that does not end before `value`. */
  #indexOf(value: bigint): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#spans[middle] as Span).last < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #address(value: bigint): Address {
    return { family: this.family, value };
  }
}

// Math.max and Math.min do not accept bigints.
function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** Sorted. Overlapping and adjacent spans are joined. */
function joined(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const result: Span[] = [];
  for (const span of sorted) {
    const previous = result.at(-1);
    if (previous === undefined || span.first > previous.last + 1n) result.push(span);
    else if (span.last > previous.last)
      result[result.length - 1] = { first: previous.first, last: span.last };
  }
  return result;
}

function requireFamily(expected: Family, actual: Family): void {
  if (expected === actual) return;
  throw new OrbError('INTERNAL', { message: `an IPv${actual} address was given to a set of IPv${expected}` });
}
