import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressSet } from '#ip';
import { type CarveFacts, carve } from './carve.ts';

const set = (...ranges: string[]) => AddressSet.parse(4, ranges);
const none = AddressSet.empty(4);
const usable = set('10.6.0.1-10.6.0.20');

function carved(facts: Partial<CarveFacts>) {
  const current = facts.current ?? none;
  const free = facts.free ?? usable.difference(current);
  return carve({ current, inUse: none, usable, free, size: 0, ...facts });
}
const addresses = (facts: Partial<CarveFacts>) => carved(facts).addresses.format();

test('a new pool gets the lowest range that is long enough', () => {
  assert.deepEqual(addresses({ size: 3 }), ['10.6.0.1-10.6.0.3']);
  const free = set('10.6.0.1-10.6.0.2', '10.6.0.5-10.6.0.9');
  assert.deepEqual(addresses({ size: 2, free }), ['10.6.0.1-10.6.0.2']);
  assert.deepEqual(addresses({ size: 3, free }), ['10.6.0.5-10.6.0.7']);
});

test('a new pool gets the lowest addresses if no range is long enough', () => {
  const free = set('10.6.0.1-10.6.0.2', '10.6.0.5-10.6.0.6');
  assert.deepEqual(addresses({ size: 3, free }), ['10.6.0.1-10.6.0.2', '10.6.0.5']);
});

test('a pool grows upwards, so that it stays one range', () => {
  const current = set('10.6.0.5-10.6.0.6');
  assert.deepEqual(addresses({ size: 4, current }), ['10.6.0.5-10.6.0.8']);
  const free = set('10.6.0.1-10.6.0.4', '10.6.0.7');
  assert.deepEqual(addresses({ size: 4, current, free }), ['10.6.0.1-10.6.0.2', '10.6.0.5-10.6.0.6']);
});

test('a pool gives back its highest addresses, and none that a pod holds', () => {
  const current = set('10.6.0.1-10.6.0.5');
  assert.deepEqual(addresses({ size: 3, current }), ['10.6.0.1-10.6.0.3']);
  assert.deepEqual(addresses({ size: 3, current, inUse: set('10.6.0.5') }), [
    '10.6.0.1-10.6.0.2',
    '10.6.0.5',
  ]);
  const stuck = carved({ size: 1, current, inUse: set('10.6.0.2', '10.6.0.4-10.6.0.5') });
  assert.deepEqual([stuck.addresses.format(), stuck.stuck], [['10.6.0.2', '10.6.0.4-10.6.0.5'], 2]);
});

test('a pool exchanges an address that became unusable, unless a pod holds it', () => {
  const current = set('10.6.0.1-10.6.0.3');
  const facts = { size: 3, current, usable: set('10.6.0.3-10.6.0.9'), free: set('10.6.0.4-10.6.0.9') };
  assert.deepEqual(addresses(facts), ['10.6.0.3-10.6.0.5']);
  assert.deepEqual(addresses({ ...facts, inUse: set('10.6.0.1') }), ['10.6.0.1', '10.6.0.3-10.6.0.4']);
});

test('a subnet with too few addresses gives none, and says what is missing', () => {
  const current = set('10.6.0.1');
  const { addresses: kept, shortage } = carved({ size: 4, current, free: set('10.6.0.2-10.6.0.3') });
  assert.deepEqual([kept.format(), shortage], [['10.6.0.1'], { required: 3n, left: 2n }]);
});

test('a pool in a huge subnet costs no more than one in a small one', () => {
  const huge = AddressSet.parse(6, ['fd00::1-fd00::ffff:ffff:ffff:ffff']);
  const empty = AddressSet.empty(6);
  const { addresses: pool } = carve({
    current: empty,
    inUse: empty,
    usable: huge,
    free: huge,
    size: 1_000_000,
  });
  assert.deepEqual(pool.format(), ['fd00::1-fd00::f:4240']);
});

test('for any facts a pool has its size, keeps what pods hold and takes nothing of others', () => {
  const some = fc
    .uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 16 })
    .map((parts) => set(...parts.map((part) => `10.6.0.${part}`)));
  fc.assert(
    fc.property(some, some, some, some, fc.nat(20), (current, held, others, allowed, size) => {
      const inUse = held.intersection(current);
      const free = allowed.difference(others).difference(current);
      const { addresses: pool, shortage, stuck } = carve({ current, inUse, usable: allowed, free, size });
      assert.ok(pool.containsAll(inUse), 'a pod lost its address');
      assert.ok(current.union(free).containsAll(pool), 'an address of others');
      assert.ok(allowed.union(inUse).containsAll(pool), 'an address that nobody may have');
      const kept = current.intersection(allowed).union(inUse);
      if (shortage === undefined) assert.equal(pool.count, BigInt(size + stuck));
      else assert.ok(pool.equals(kept) && kept.count + free.count < BigInt(size));
      if (stuck > 0) assert.ok(pool.equals(inUse), 'more than what pods hold');
    }),
  );
});
