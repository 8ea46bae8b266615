import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAddress, newLedger, type OwnAddress } from './port-ledger.ts';
import { hasRested, LONGEST_REST_MS, rested, toFetch, trimmed } from './warm-addresses.ts';

const free: OwnAddress = newAddress({ subnetId: 's', address: '.9' });
const ledgerOf = (...counts: readonly (readonly [count: number, change: Partial<OwnAddress>])[]) => ({
  ...newLedger('p', '0123abcd'),
  addresses: counts.flatMap(([count, change]) =>
    Array.from({ length: count }, () => ({ ...free, ...change })),
  ),
});
const limits = { low: 5, high: 10 };

test('addresses are fetched below the low limit, up to the high one', () => {
  assert.equal(toFetch(ledgerOf(), 's', limits), 10);
  assert.equal(toFetch(ledgerOf([4, {}]), 's', limits), 6);
  assert.equal(toFetch(ledgerOf([5, {}]), 's', limits), 0);
  assert.equal(toFetch(ledgerOf([30, { subnetId: 'other' }]), 's', limits), 10);
  assert.equal(
    toFetch(ledgerOf([30, { owner: 'pod' }], [9, { leaving: true }], [9, { missing: true }]), 's', limits),
    10,
  );
  assert.equal(toFetch(ledgerOf(), 's', { low: 0, high: 0 }), 0);
});

test('what rests comes back: only what is needed until then is fetched', () => {
  assert.equal(toFetch(ledgerOf([3, {}], [4, { restsUntilMs: 9 }]), 's', limits), 3);
  assert.equal(toFetch(ledgerOf([1, {}], [20, { restsUntilMs: 9 }]), 's', limits), 4);
});

test('what is ready above the high limit leaves, in each subnet', () => {
  const before = ledgerOf(
    [12, {}],
    [3, { subnetId: 'other' }],
    [5, { restsUntilMs: 9 }],
    [2, { owner: 'pod' }],
  );
  const leaving = trimmed(before, limits).addresses.filter((own) => own.leaving);
  assert.deepEqual(leaving, [
    { ...free, leaving: true },
    { ...free, leaving: true },
  ]);
});

test('a rest ends at its time, or when the clock was set back by more than the longest rest', () => {
  const rests = ledgerOf([1, { restsUntilMs: 1000 }], [1, { restsUntilMs: 1001 }]);
  assert.deepEqual(
    rested(rests, 1000).addresses.map(({ restsUntilMs }) => restsUntilMs),
    [null, 1001],
  );
  assert.ok(hasRested({ ...free, restsUntilMs: 10_000_000 }, 10_000_000 - LONGEST_REST_MS - 1));
  assert.ok(!hasRested({ ...free, restsUntilMs: 10_000_000 }, 10_000_000 - LONGEST_REST_MS));
});
