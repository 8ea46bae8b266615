import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excludeCidr, mergeCidr, parseCidr as oracleParse } from 'cidr-tools';
import fc from 'fast-check';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { AddressSet } from './address-set.ts';
import { formatCidr, parseCidr } from './cidr.ts';

const BASE = parseAddress('10.6.0.0').value;
const at = (offset: number): Address => ({ family: 4, value: BASE + BigInt(offset) });
const WORLD = Array.from({ length: 64 }, (_, i) => i);
const where = (holds: (i: number) => boolean): ReadonlySet<number> => new Set(WORLD.filter(holds));
/** A set in a small world, with the plain set of numbers that it stands for. */
const small = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 6 })), { maxLength: 6 }).map((spans) => ({
  set: AddressSet.of(
    4,
    spans.map(([start, more]) => ({ first: at(start), last: at(start + more) })),
  ),
  model: new Set(spans.flatMap(([start, more]) => Array.from({ length: more + 1 }, (_, i) => start + i))),
}));

function assertIs(set: AddressSet, model: ReadonlySet<number>): void {
  const members = Array.from({ length: 64 }, (_, i) => i).filter((i) => set.contains(at(i)));
  assert.deepEqual(
    members,
    [...model].toSorted((a, b) => a - b),
  );
  assert.equal(set.count, BigInt(model.size));
  // Canonical: sorted, and apart by one address at least.
  const { ranges } = set;
  for (const [index, range] of ranges.slice(1).entries()) {
    assert.ok(range.first.value > (ranges[index]?.last.value ?? 0n) + 1n, set.format().join());
  }
}

test('union, difference, intersection, with and without equal those of plain sets', () => {
  fc.assert(
    fc.property(small, small, fc.nat({ max: 50 }), (a, b, i) => {
      assertIs(a.set, a.model);
      assertIs(
        a.set.union(b.set),
        where((j) => a.model.has(j) || b.model.has(j)),
      );
      assertIs(
        a.set.difference(b.set),
        where((j) => a.model.has(j) && !b.model.has(j)),
      );
      assertIs(
        a.set.intersection(b.set),
        where((j) => a.model.has(j) && b.model.has(j)),
      );
      assertIs(
        a.set.with(at(i)),
        where((j) => a.model.has(j) || j === i),
      );
      assertIs(
        a.set.without(at(i)),
        where((j) => a.model.has(j) && j !== i),
      );
      assert.equal(
        a.set.containsAll(b.set),
        [...b.model].every((j) => a.model.has(j)),
      );
      assert.equal(a.set.equals(b.set), a.set.format().join() === b.set.format().join());
    }),
    { numRuns: 500 },
  );
});

test('the first address is the lowest one that is neither excepted nor skipped', () => {
  fc.assert(
    fc.property(small, small, small, (a, b, skipped) => {
      const lowest = WORLD.find((i) => a.model.has(i) && !b.model.has(i) && !skipped.model.has(i));
      const expected = lowest === undefined ? undefined : at(lowest);
      assert.deepEqual(
        a.set.first(b.set, (address) => skipped.set.contains(address)),
        expected,
      );
    }),
    { numRuns: 500 },
  );
});

const network = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const bits = family === 4 ? 32 : 128;
  const base = family === 4 ? BASE : parseAddress('fd00::').value;
  // Networks of 2^0 … 2^12 addresses close together, so that they meet.
  const one = fc
    .tuple(fc.nat({ max: 0x3fff }), fc.integer({ min: bits - 12, max: bits }))
    .map(([offset, prefixLength]) =>
      formatCidr({ address: { family, value: base + BigInt(offset) }, prefixLength }),
    );
  return fc.record({
    family: fc.constant(family),
    a: fc.array(one, { minLength: 1, maxLength: 6 }),
    b: fc.array(one, { minLength: 1, maxLength: 6 }),
  });
});

test('union and difference of networks equal those of cidr-tools', () => {
  fc.assert(
    fc.property(network, ({ family, a, b }) => {
      const ours = (texts: string[]) =>
        texts.reduce((set, text) => set.union(AddressSet.ofCidr(parseCidr(text))), AddressSet.empty(family));
      const theirs = (texts: string[]) =>
        AddressSet.of(
          family,
          texts
            .map(oracleParse)
            .map(({ start, end }) => ({ first: { family, value: start }, last: { family, value: end } })),
        );
      assert.deepEqual(ours([...a, ...b]).format(), theirs(mergeCidr([...a, ...b])).format());
      assert.deepEqual(ours(a).difference(ours(b)).format(), theirs(excludeCidr(a, b)).format());
    }),
  );
});

test('addresses that are removed and added again restore the set, and nothing else changes', () => {
  fc.assert(
    fc.property(small, small, ({ set: a }, { set: b }) => {
      assert.ok(a.difference(b).union(a.intersection(b)).equals(a));
      assert.ok(a.difference(b).intersection(b).isEmpty);
      assert.ok(a.union(b).equals(b.union(a)));
    }),
  );
});

test('ranges are merged as in Spiderpool', () => {
  const set = AddressSet.parse(4, ['10.6.0.9', '10.6.0.5-10.6.0.6', '10.6.0.7', '10.6.0.6', '10.6.1.0']);
  assert.deepEqual(set.format(), ['10.6.0.5-10.6.0.7', '10.6.0.9', '10.6.1.0']);
});

test('a /64 with a hole is counted and finds its first address without being expanded', () => {
  const all = AddressSet.ofCidr(parseCidr('fd00::/64'));
  const set = all.difference(AddressSet.parse(6, ['fd00::-fd00::ffff:ffff:ffff']));
  assert.equal(set.count, 2n ** 64n - 2n ** 48n);
  assert.equal(formatAddress(set.first() as Address), 'fd00::1:0:0:0');
  assert.equal(all.first(all), undefined);
});

test('families do not mix', () => {
  assert.throws(() => AddressSet.empty(4).union(AddressSet.empty(6)), { code: 'INTERNAL' });
  assert.throws(() => AddressSet.parse(4, ['fd00::1']), { code: 'INPUT_INVALID' });
  assert.equal(AddressSet.ofCidr(parseCidr('::/0')).contains(parseAddress('10.6.0.1')), false);
});
