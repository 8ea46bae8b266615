import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressSet, formatAddress } from '#ip';
import { applyOperations, type PoolOperation, type PoolOutcome } from './batch.ts';
import { PoolLedger } from './ledger.ts';
import { pickContext, poolObject } from './pool-fixture.ts';
import { noteReleases } from './resting.ts';

const allocate = (podUid: string, nic = 'eth0'): PoolOperation => ({
  verb: 'allocate',
  owner: { pod: `ns/${podUid}`, podUid, nic },
});
const releaseNic = (podUid: string, nic = 'eth0'): PoolOperation => ({
  verb: 'release',
  release: { scope: 'nic', podUid, nic },
});
const releasePod = (podUid: string): PoolOperation => ({
  verb: 'release',
  release: { scope: 'pod', podUid },
});
const text = (outcome: PoolOutcome | undefined): string => {
  if (outcome?.verb === 'allocated') return formatAddress(outcome.address);
  if (outcome?.verb === 'released') return outcome.addresses.map(formatAddress).join();
  return outcome?.reason ?? 'none';
};
const fresh = (records: object = {}) => PoolLedger.read(poolObject('p', {}, records));

test('two owners never hold one address, whatever the sequence of changes', () => {
  const uid = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
  const nic = fc.constantFrom('eth0', 'net1');
  const operation = fc.oneof(
    fc.tuple(uid, nic).map(([u, n]) => allocate(u, n)),
    fc.tuple(uid, nic, fc.boolean()).map(([u, n, all]) => (all ? releasePod(u) : releaseNic(u, n))),
  );
  fc.assert(
    fc.property(fc.array(fc.array(operation, { maxLength: 8 }), { maxLength: 8 }), (batches) => {
      let ledger = fresh({ '10.6.0.12': { pod: 'ns/a', podUid: 'a' } });
      for (const operations of batches) {
        const before = ledger.text;
        const batch = applyOperations(ledger, operations, pickContext());
        assert.equal(ledger.text, before, 'the ledger handed in was changed');
        ledger = batch.ledger;
        const owners = [...ledger.records.values()].map(({ podUid, nic: n }) => `${podUid} ${n}`);
        assert.equal(new Set(owners).size, owners.length, ledger.text);
        // The kept state is what reading the written text gives.
        const reread = PoolLedger.read(poolObject('p', {}, Object.fromEntries(ledger.records)));
        assert.ok(reread.free.equals(ledger.free));
        for (const [i, outcome] of batch.outcomes.entries()) {
          const asked = operations[i] as PoolOperation;
          if (outcome.verb !== 'allocated' || asked.verb !== 'allocate') continue;
          assert.equal(ledger.holderOf(outcome.address)?.podUid, asked.owner.podUid);
        }
      }
    }),
  );
});

test('allocations of one batch get the lowest addresses in turn, and a repeat changes nothing', () => {
  const first = applyOperations(
    fresh(),
    [allocate('a'), allocate('b'), allocate('a', 'net1')],
    pickContext(),
  );
  assert.deepEqual(first.outcomes.map(text), ['10.6.0.10', '10.6.0.11', '10.6.0.12']);
  const again = applyOperations(first.ledger, [allocate('a'), allocate('b')], pickContext());
  assert.equal(again.changed, false);
  assert.deepEqual(again.outcomes.map(text), ['10.6.0.10', '10.6.0.11']);
});

test("a full pool is refused in Spiderpool's words, and a release in the same batch makes room", () => {
  const full = applyOperations(
    fresh(),
    Array.from({ length: 10 }, (_, i) => allocate(`u${i}`)),
    pickContext(),
  );
  const one = applyOperations(full.ledger, [allocate('x')], pickContext());
  assert.deepEqual(one.outcomes.map(text), ['all IP addresses used out']);
  const two = applyOperations(full.ledger, [allocate('x'), releaseNic('u3')], pickContext());
  assert.deepEqual(two.outcomes.map(text), ['10.6.0.13', '10.6.0.13']);
});

test('a release frees the addresses of its owner only', () => {
  const { ledger } = applyOperations(
    fresh(),
    [allocate('a'), allocate('a', 'net1'), allocate('b')],
    pickContext(),
  );
  assert.deepEqual(applyOperations(ledger, [releaseNic('a', 'net1')], pickContext()).outcomes.map(text), [
    '10.6.0.11',
  ]);
  assert.equal(applyOperations(ledger, [releaseNic('stranger')], pickContext()).changed, false);
});

test('a record without NIC is reused when it is the only one, and is released with the last NIC', () => {
  const ledger = fresh({ '10.6.0.15': { pod: 'ns/a', podUid: 'a', note: 'kept' } });
  const { outcomes, ledger: named } = applyOperations(ledger, [allocate('a')], pickContext());
  assert.deepEqual(outcomes, [
    {
      verb: 'allocated',
      address: outcomes[0]?.verb === 'allocated' ? outcomes[0].address : undefined,
      held: true,
    },
  ]);
  assert.deepEqual(JSON.parse(named.text), {
    '10.6.0.15': { pod: 'ns/a', podUid: 'a', note: 'kept', nic: 'eth0' },
  });
  assert.equal(applyOperations(ledger, [releaseNic('a')], pickContext()).changed, false);
  assert.equal(applyOperations(ledger, [releasePod('a')], pickContext()).ledger.text, '');
});

test('a released address is allocated only when no other is free, the longest released first', () => {
  const { ledger: before } = applyOperations(fresh(), [allocate('a')], pickContext());
  const { ledger: after } = applyOperations(before, [releaseNic('a')], pickContext());
  const resting = noteReleases(new Map(), before, after, 1_000_000);
  const next = (nowMs: number) =>
    text(applyOperations(after, [allocate('b')], pickContext({ resting, nowMs })).outcomes[0]);
  assert.equal(next(1_000_000), '10.6.0.11');
  assert.equal(next(1_030_000), '10.6.0.10');
  const small = PoolLedger.read(poolObject('p', { ips: ['10.6.0.10-10.6.0.11'] }));
  const all = new Map([
    ['10.6.0.10', 999_999],
    ['10.6.0.11', 999_990],
  ]);
  assert.equal(
    text(applyOperations(small, [allocate('b')], pickContext({ resting: all })).outcomes[0]),
    '10.6.0.11',
  );
});

test('an address that a batch releases is allocated last in the same batch', () => {
  const { ledger } = applyOperations(fresh(), [allocate('a')], pickContext());
  const { outcomes } = applyOperations(ledger, [releaseNic('a'), allocate('b')], pickContext());
  assert.deepEqual(outcomes.map(text), ['10.6.0.10', '10.6.0.11']);
});

test('reserved addresses are skipped, also in a pool of 2^64 addresses', () => {
  const pool = poolObject('p6', {
    subnet: 'fd00::/64',
    ips: ['fd00::-fd00::ffff:ffff:ffff:ffff'],
    gateway: undefined,
  });
  const reserved = { 4: AddressSet.empty(4), 6: AddressSet.parse(6, ['fd00::-fd00::ffff:0:0']) };
  const { outcomes, ledger } = applyOperations(
    PoolLedger.read(pool),
    [allocate('a')],
    pickContext({ reserved }),
  );
  assert.deepEqual(outcomes.map(text), ['fd00::ffff:0:1']);
  assert.equal(ledger.status.totalIPCount, Number.MAX_SAFE_INTEGER);
});

test('a disabled pool allocates nothing new, but releases addresses', () => {
  const { ledger } = applyOperations(fresh(), [allocate('a')], pickContext());
  const disabled = PoolLedger.read(
    poolObject('p', { disable: true }, Object.fromEntries(ledger.records)),
    ledger,
  );
  const { outcomes } = applyOperations(disabled, [allocate('b'), releaseNic('a')], pickContext());
  assert.deepEqual(outcomes.map(text), ['disabled IPPool p', '10.6.0.10']);
});

test('unreadable records stop every change of the pool', () => {
  for (const records of [
    { '10.6.0': { pod: 'a', podUid: 'a' } },
    { 'fd00::1': { pod: 'a', podUid: 'a' } },
    { '10.6.0.10': { pod: 'a' } },
  ]) {
    assert.throws(() => fresh(records), {
      code: 'IPPOOL_STATUS_INVALID',
      message: /^SpiderIPPool p status.allocatedIPs: /,
    });
  }
});

test('an address in quarantine is skipped until its time is over', () => {
  const quarantined = new Map([['10.6.0.10', 2_000_000]]);
  const at = (nowMs: number) =>
    applyOperations(fresh(), [allocate('a')], pickContext({ quarantined, nowMs })).outcomes.map(text);
  assert.deepEqual([at(1_999_999), at(2_000_000)], [['10.6.0.11'], ['10.6.0.10']]);
});
