// Which address a pod gets: never one outside of the pool, one that is kept back, or one that another pod has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressSet, formatAddress, parseAddress } from '#ip';
import { applyOperations, type PoolOperation } from './batch.ts';
import { PoolLedger } from './ledger.ts';
import { type PickContext, pickAddress } from './pick.ts';
import { pickContext, poolObject, type SpecFields } from './pool-fixture.ts';

const owner = (podUid: string, nic = 'eth0') => ({ pod: `ns/${podUid}`, podUid, nic });

function pick(ledger: PoolLedger, podUid: string, changes: Partial<PickContext> = {}): string {
  const found = pickAddress(ledger, owner(podUid), pickContext(changes));
  return found.address === undefined ? found.reason : formatAddress(found.address);
}

function ledgerOf(spec: SpecFields = {}, records: object = {}): PoolLedger {
  return PoolLedger.read(poolObject('p', spec, records));
}

test('a pick records nothing', () => {
  const ledger = ledgerOf();
  assert.equal(pick(ledger, 'a'), '10.6.0.10');
  assert.equal(pick(ledger, 'b'), '10.6.0.10');
  assert.equal(ledger.text, '');
});

test('a pod keeps the address that it holds, also when the pool is disabled, full or does not offer it any more', () => {
  const records = { '10.6.0.15': { ...owner('a') } };
  for (const spec of [{ disable: true }, { ips: ['10.6.0.15'] }, { ips: ['10.6.0.20'] }]) {
    const found = pickAddress(ledgerOf(spec, records), owner('a'), pickContext({ maximumBytes: 1 }));
    assert.deepEqual(found, { address: parseAddress('10.6.0.15'), held: true });
  }
});

test("a pool gives no new address when it is disabled, being deleted or holds too many records, in Spiderpool's words", () => {
  assert.equal(pick(ledgerOf({ disable: true }), 'a'), 'disabled IPPool p');
  const deleted = poolObject('p');
  deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  assert.equal(pick(PoolLedger.read(deleted), 'a'), 'terminating IPPool p');
  const used = ledgerOf({}, { '10.6.0.10': owner('b') });
  const reason = 'all IP addresses used out, threshold of IP records(<=20 bytes) for IPPool p exceeded';
  assert.equal(pick(used, 'a', { maximumBytes: 20 }), reason);
  assert.equal(pick(used, 'a', { maximumBytes: used.bytes + 1 }), '10.6.0.11');
  const full = ledgerOf({ ips: ['10.6.0.10'] }, { '10.6.0.10': owner('b') });
  assert.equal(pick(full, 'a'), 'all IP addresses used out');
});

test('when all free addresses rest, the one that has rested longest is picked, but never one in quarantine', () => {
  const ledger = ledgerOf({ ips: ['10.6.0.10-10.6.0.12'] });
  const resting = new Map([
    ['10.6.0.10', 999_990],
    ['10.6.0.11', 999_980],
    ['10.6.0.12', 999_970],
  ]);
  assert.equal(pick(ledger, 'a', { resting }), '10.6.0.12');
  const quarantined = new Map([['10.6.0.12', 1_000_001]]);
  assert.equal(pick(ledger, 'a', { resting, quarantined }), '10.6.0.11');
  assert.equal(pick(ledger, 'a', { resting, quarantined, restMs: 15 }), '10.6.0.11');
  assert.equal(pick(ledger, 'a', { resting, restMs: 10 }), '10.6.0.10');
  const all = new Map(Array.from(resting.keys(), (address) => [address, 1_000_001]));
  assert.equal(
    pick(ledger, 'a', { resting, quarantined: all }),
    'no free IP address may be given out: other machines use 10.6.0.10-10.6.0.12, which is in quarantine',
  );
});

test('a pool without an address to give says which are reserved, which are in quarantine, and no more', () => {
  const ledger = ledgerOf({ ips: ['10.6.0.10-10.6.0.13'] }, { '10.6.0.13': owner('b') });
  const reserved = { 4: AddressSet.parse(4, ['10.6.0.11-10.6.0.200']), 6: AddressSet.empty(6) };
  const quarantined = new Map([
    ['10.6.0.10', 1_000_001],
    ['10.6.0.11', 1_000_001],
    ['10.6.9.9', 1_000_001],
    ['fd00::1', 1_000_001],
  ]);
  assert.equal(
    pick(ledger, 'a', { reserved, quarantined }),
    'no free IP address may be given out: SpiderReservedIPs reserve 10.6.0.11-10.6.0.12; other machines use 10.6.0.10, which is in quarantine',
  );
  assert.equal(
    pick(ledger, 'a', { reserved, quarantined: new Map([['10.6.0.10', 1_000_000]]) }),
    '10.6.0.10',
  );
});

/** The last numbers of addresses in 10.6.0.0/24, as ranges of a pool and as numbers. */
const numbers = fc.uniqueArray(fc.integer({ min: 2, max: 40 }), { maxLength: 12 });
const texts = (some: readonly number[]) => some.map((last) => `10.6.0.${last}`);

test('an allocated address is of the pool, not excluded, not reserved, not in quarantine and not held by another pod', () => {
  const operation = fc.record({
    podUid: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    nic: fc.constantFrom('eth0', 'net1'),
    isRelease: fc.boolean(),
  });
  const scene = fc.record({
    ips: numbers,
    excluded: numbers,
    reserved: numbers,
    quarantined: numbers,
    resting: fc.uniqueArray(fc.tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 0, max: 60_000 })), {
      selector: ([last]) => last,
    }),
    batches: fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 6 }),
  });
  fc.assert(
    fc.property(scene, ({ ips, excluded, reserved, quarantined, resting, batches }) => {
      const fields = { subnet: '10.6.0.0/24', ips: texts(ips), excludeIPs: texts(excluded) };
      let ledger = ledgerOf(fields);
      const context = pickContext({
        reserved: { 4: AddressSet.parse(4, texts(reserved)), 6: AddressSet.empty(6) },
        quarantined: new Map(texts(quarantined).map((address) => [address, 1_000_001])),
        resting: new Map(resting.map(([last, agoMs]) => [`10.6.0.${last}`, 1_000_000 - agoMs])),
      });
      const allowed = new Set(texts(ips));
      for (const address of texts([...excluded, ...reserved, ...quarantined])) allowed.delete(address);
      /** The holder of each address, kept beside the ledger. */
      const holders = new Map<string, string>();
      for (const batch of batches) {
        const operations = batch.map(
          ({ podUid, nic, isRelease }): PoolOperation =>
            isRelease
              ? { verb: 'release', release: { scope: 'nic', podUid, nic } }
              : { verb: 'allocate', owner: owner(podUid, nic) },
        );
        const { outcomes, ledger: after } = applyOperations(ledger, operations, context);
        ledger = after;
        for (const outcome of outcomes) {
          if (outcome.verb !== 'released') continue;
          for (const address of outcome.addresses) holders.delete(formatAddress(address));
        }
        for (const [i, outcome] of outcomes.entries()) {
          const { podUid = '', nic = '' } = batch[i] ?? {};
          if (outcome.verb === 'allocated') {
            const address = formatAddress(outcome.address);
            assert.ok(allowed.has(address), `${address} may not be given out`);
            const holder = holders.get(address) ?? `${podUid} ${nic}`;
            assert.equal(holder, `${podUid} ${nic}`, `${address} is given out twice`);
            holders.set(address, holder);
          } else if (outcome.verb === 'refused') {
            assert.deepEqual(
              [...allowed].filter((address) => !holders.has(address)),
              [],
              outcome.reason,
            );
          }
        }
        assert.deepEqual(new Set(ledger.records.keys()), new Set(holders.keys()));
      }
    }),
  );
});
