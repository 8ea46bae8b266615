// The records of a pool: who holds what, and what stays of what others wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '#ip';
import { PoolLedger } from './ledger.ts';
import { poolObject, type SpecFields } from './pool-fixture.ts';

const at = (last: number) => parseAddress(`10.6.0.${last}`);
const owner = (podUid: string, nic = 'eth0') => ({ pod: `ns/${podUid}`, podUid, nic });
const record = (podUid: string, more: object = {}) => ({ pod: `ns/${podUid}`, podUid, ...more });
const read = (records: object = {}, spec: SpecFields = {}, previous?: PoolLedger) =>
  PoolLedger.read(poolObject('p', spec, records), previous);
const addressOf = (ledger: PoolLedger, podUid: string, nic: string) => {
  const address = ledger.addressOf({ podUid, nic });
  return address === undefined ? undefined : formatAddress(address);
};

test('changes of a copy leave the original as it was', () => {
  const original = read({ '10.6.0.10': record('a', { nic: 'eth0' }) });
  const before = original.text;
  const copy = original.copy();
  copy.take(at(11), owner('b'));
  copy.take(at(12), owner('a', 'net1'));
  copy.drop(at(10));
  assert.equal(original.text, before);
  assert.deepEqual(original.free.format(), ['10.6.0.11-10.6.0.19']);
  assert.equal(addressOf(original, 'a', 'eth0'), '10.6.0.10');
  assert.equal(addressOf(original, 'b', 'eth0'), undefined);
  assert.equal(addressOf(original, 'a', 'net1'), undefined);
  assert.deepEqual(copy.free.format(), ['10.6.0.10', '10.6.0.13-10.6.0.19']);
});

test('a pod that takes its own address again keeps the fields that others wrote', () => {
  const ledger = read({ '10.6.0.10': record('a', { note: 'kept', pod: 'ns/old-name' }) });
  ledger.take(at(10), owner('a', 'net1'));
  assert.deepEqual(JSON.parse(ledger.text), {
    '10.6.0.10': { pod: 'ns/a', podUid: 'a', note: 'kept', nic: 'net1' },
  });
});

test('an address that another pod holds is not taken from it', () => {
  const ledger = read({ '10.6.0.10': record('a', { nic: 'eth0' }) });
  const before = ledger.text;
  assert.throws(() => ledger.take(at(10), owner('b')), {
    code: 'INTERNAL',
    message: 'address 10.6.0.10 of IPPool p is held by ns/a, not free for ns/b',
  });
  assert.equal(ledger.text, before);
});

test('a record without NIC counts for any NIC, but only if it is the only one of the pod', () => {
  const one = read({ '10.6.0.10': record('a') });
  assert.equal(addressOf(one, 'a', 'net7'), '10.6.0.10');
  const beside = read({ '10.6.0.10': record('a'), '10.6.0.11': record('a', { nic: 'net1' }) });
  assert.equal(addressOf(beside, 'a', 'net1'), '10.6.0.11');
  assert.equal(addressOf(beside, 'a', 'eth0'), '10.6.0.10');
  const two = read({ '10.6.0.10': record('a'), '10.6.0.11': record('a') });
  assert.equal(addressOf(two, 'a', 'eth0'), undefined);
  assert.equal(addressOf(two, 'b', 'eth0'), undefined);
});

test('the addresses of a pod are found with their NICs, and those of other pods are not', () => {
  const ledger = read({
    '10.6.0.10': record('a', { nic: 'eth0' }),
    '10.6.0.11': record('b', { nic: 'eth0' }),
    '10.6.0.12': record('a'),
  });
  const found = ledger.addressesOf('a').map(({ address, nic }) => [formatAddress(address), nic]);
  assert.deepEqual(found, [
    ['10.6.0.10', 'eth0'],
    ['10.6.0.12', undefined],
  ]);
  assert.deepEqual(ledger.addressesOf('stranger'), []);
});

test('an address that left the pool while it was held does not become free when it is released', () => {
  const ledger = read({ '10.6.0.30': record('a', { nic: 'eth0' }) });
  ledger.drop(at(30));
  assert.equal(ledger.text, '');
  assert.deepEqual(ledger.free.format(), ['10.6.0.10-10.6.0.19']);
  ledger.drop(at(31));
  assert.equal(ledger.text, '');
});

test('after a change of the pool, the same records leave other addresses free', () => {
  const records = { '10.6.0.10': record('a', { nic: 'eth0' }) };
  const before = read(records);
  const excluded = read(records, { excludeIPs: ['10.6.0.11'] }, before);
  assert.deepEqual(excluded.free.format(), ['10.6.0.12-10.6.0.19']);
  assert.deepEqual(before.free.format(), ['10.6.0.11-10.6.0.19']);
  assert.equal(excluded.holderOf(at(10))?.podUid, 'a');
});

test('records of one family are refused when the pool has become one of the other', () => {
  const records = { '10.6.0.10': record('a') };
  const six = poolObject('p', { subnet: 'fd00::/64', ips: ['fd00::10'], gateway: undefined }, records);
  assert.throws(() => PoolLedger.read(six, read(records)), { code: 'IPPOOL_STATUS_INVALID' });
});

test('the status of an empty pool has no records, and counts all its addresses', () => {
  assert.deepEqual(read().status, { totalIPCount: 10, allocatedIPCount: 0 });
  const ledger = read();
  ledger.take(at(10), owner('a'));
  assert.deepEqual(ledger.status, {
    allocatedIPs: '{"10.6.0.10":{"pod":"ns/a","podUid":"a","nic":"eth0"}}',
    totalIPCount: 10,
    allocatedIPCount: 1,
  });
});

test('the size of the records follows every change', () => {
  const change = fc.record({ last: fc.integer({ min: 10, max: 19 }), take: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const ledger = read({ '10.6.0.10': record('u10', { note: 'kept' }) });
      for (const { last, take } of changes) {
        if (take) ledger.take(at(last), owner(`u${last}`));
        else ledger.drop(at(last));
        // The braces and the last comma count or not.
        assert.ok(Math.abs(ledger.bytes - ledger.text.length) <= 2, `${ledger.bytes} of ${ledger.text}`);
      }
    }),
  );
});

test('the text has exactly the records after every change, also if another program wrote it with spaces', () => {
  const change = fc.record({
    last: fc.integer({ min: 10, max: 19 }),
    verb: fc.constantFrom('take', 'drop', 'write'),
  });
  const texts = [
    '',
    '{}',
    ' { } ',
    '{"10.6.0.10":{"podUid":"u10","pod":"ns/u10"}}',
    '{ "10.6.0.10" : {} }\n',
  ];
  const first = fc.constantFrom(...texts.map((text) => text.replace('{} }', '{"pod":"p","podUid":"u10"} }')));
  fc.assert(
    fc.property(first, fc.array(change), (text, changes) => {
      const pool = poolObject('p');
      pool.status = { allocatedIPs: text };
      let ledger = PoolLedger.read(pool).copy();
      for (const { last, verb } of changes) {
        if (verb === 'take') ledger.take(at(last), owner(`u${last}`));
        else if (verb === 'drop') ledger.drop(at(last));
        else ledger = PoolLedger.read({ ...pool, status: ledger.status }, ledger).copy();
        if (verb !== 'write') continue;
        const stored = ledger.text === '' ? {} : JSON.parse(ledger.text);
        assert.deepEqual(stored, Object.fromEntries(ledger.records));
      }
    }),
  );
});

test('a text is read the same with and without knowledge of an earlier one', () => {
  const entry = fc.record({ last: fc.integer({ min: 8, max: 19 }), uid: fc.constantFrom('a', 'b', 'c') });
  const entries = fc.array(entry, { maxLength: 6 });
  const written = (list: readonly { last: number; uid: string }[]) =>
    list.map(({ last, uid }) => `"10.6.0.${last}":${JSON.stringify(record(uid, { nic: 'eth0' }))}`);
  const other = `"10.6.0.13":${JSON.stringify(record('c'))}`;
  const endings = [
    '',
    ',',
    ',}',
    '}',
    ', ',
    `,${other}`,
    `;${other}`,
    ',"10.6.0.13":{"pod":"ns/d"}',
    ',"x":1',
  ];
  const outcome = (text: string, previous?: PoolLedger) => {
    const pool = poolObject('p');
    pool.status = { allocatedIPs: text };
    try {
      const ledger = PoolLedger.read(pool, previous);
      const held = ['a', 'b', 'c'].map((uid) => ledger.addressesOf(uid));
      const changed = ledger.copy();
      changed.take(at(18), { ...owner('a'), fixed: true, pod: ledger.holderOf(at(18))?.pod ?? 'ns/a' });
      const stored = changed.text === '' ? {} : JSON.parse(changed.text);
      const { bytes, status } = ledger;
      return { records: [...ledger.records], held, free: ledger.free.format(), bytes, status, stored };
    } catch (error) {
      return { refused: (error as { code: string }).code };
    }
  };
  const kept = fc.constantFrom(0, 1, 9);
  fc.assert(
    fc.property(entries, entries, kept, fc.constantFrom(...endings), (first, more, dropped, ending) => {
      const known = read();
      const earlier = PoolLedger.read(
        { ...poolObject('p'), status: { allocatedIPs: `{${written(first).join()}}` } },
        known,
      );
      const text = `{${[...written(first).slice(dropped), ...written(more)].join()}${ending}}`;
      assert.deepEqual(outcome(text, earlier), outcome(text));
    }),
    { numRuns: 1000 },
  );
});

test('a fixed owner takes over the address of an earlier pod of its name, whose UID holds nothing then', () => {
  const ledger = read({ '10.6.0.10': record('old', { pod: 'ns/db-0', nic: 'eth0', note: 'kept' }) });
  const next = { pod: 'ns/db-0', podUid: 'new', nic: 'eth0' };
  assert.throws(() => ledger.copy().take(at(10), next), /held by ns\/db-0, not free/);
  assert.throws(
    () => ledger.copy().take(at(10), { ...next, pod: 'ns/db-1', fixed: true }),
    /held by ns\/db-0/,
  );
  const left = (owned: object) => ledger.addressLeftTo({ ...next, ...owned });
  assert.deepEqual(
    [left({}), left({ nic: 'net1' }), left({ podUid: 'old' })],
    [at(10), undefined, undefined],
  );
  const taken = ledger.copy();
  taken.take(at(10), { ...next, fixed: true });
  assert.deepEqual([taken.addressesOf('old'), taken.addressesOf('new').length], [[], 1]);
  assert.equal(taken.bytes, taken.text.length);
  assert.deepEqual(JSON.parse(taken.text), { '10.6.0.10': { ...next, note: 'kept' } });
});
