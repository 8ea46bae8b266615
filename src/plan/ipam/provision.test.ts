// Pools whose addresses a provider of an IaaS makes ready.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressSet, formatAddress, parseAddress } from '#ip';
import { exhaustedNote } from './exhausted.ts';
import { PoolLedger } from './ledger.ts';
import { pickAddress } from './pick.ts';
import { pickContext, poolObject } from './pool-fixture.ts';
import { poolShares } from './pool-shares.ts';
import { PROVIDER_ANNOTATION, providedLink } from './provision.ts';
import { whereaboutsOf } from './whereabouts.ts';

const MAC = 'fa:16:3e:aa:bb:cc';
const owner = { pod: 'ns/a', podUid: 'a', nic: 'eth0' };

function provided(metadata: unknown, records: object = {}, provider = 'somecloud') {
  const pool = poolObject('p', { ips: ['10.6.0.10-10.6.0.13'] }, records);
  pool.metadata.annotations = { [PROVIDER_ANNOTATION]: provider };
  const text = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
  pool.status = { ...pool.status, ipMetaData: { metadata: text } };
  return pool;
}

function pick(metadata: unknown, requested?: string, records: object = {}): string {
  const ledger = PoolLedger.read(provided(metadata, records));
  const wanted = requested === undefined ? undefined : parseAddress(requested);
  const found = pickAddress(ledger, owner, pickContext(), wanted);
  return found.address === undefined ? found.reason : formatAddress(found.address);
}

test('a pod gets the lowest address that is ready', () => {
  assert.equal(pick({ '10.6.0.12': {}, '10.6.0.13': {} }), '10.6.0.12');
});

test('a ready address that the pool does not offer, or that is held, is not given', () => {
  const held = { '10.6.0.12': { pod: 'ns/b', podUid: 'b', nic: 'eth0' } };
  assert.equal(pick({ '10.6.0.9': {}, '10.6.0.12': {}, '10.6.0.13': {} }, undefined, held), '10.6.0.13');
});

test('the reason names the provider and what it has not made ready', () => {
  const reason =
    'no free IP address may be given out: provider somecloud has not made ready 10.6.0.10-10.6.0.13';
  for (const nothing of ['', {}, { parentNic: 'eth1' }, { 'fd00::1': {} }])
    assert.equal(pick(nothing), reason);
});

test('what cannot be read is not ready, and the reason says where', () => {
  assert.match(pick('{"10.6.0.10"'), /\(status.ipMetaData.metadata is not a JSON object\)$/);
  assert.match(pick('[]'), /is not a JSON object/);
  assert.match(pick({ '10.6.0.10': { vlan: 4095 } }), /\(status.ipMetaData.metadata: 10.6.0.10 vlan: /);
  assert.match(pick({ '10.6.0.10': { mac: 'x' } }), /10.6.0.10 mac: /);
  for (const mac of ['01:00:5e:00:00:01', '00:00:00:00:00:00', '02:00:00:00:00:00:00:01'])
    assert.match(pick({ '10.6.0.10': { mac } }), /10.6.0.10 mac: must be a unicast MAC address/);
  assert.equal(pick({ '10.6.0.10': { mac: '' } }), '10.6.0.10');
  assert.equal(pick({ '10.6.0.10': { mac: 'x' }, '10.6.0.11': {} }), '10.6.0.11');
});

test('the newer form has the addresses in the field ips', () => {
  assert.equal(pick({ scope: 'node', parentNic: 'eth1', ips: { '10.6.0.11': { vlan: 7 } } }), '10.6.0.11');
});

test('a requested address must be ready, and one that the pod holds needs not be', () => {
  assert.equal(pick({ '10.6.0.12': {} }, '10.6.0.12'), '10.6.0.12');
  assert.equal(pick({ '10.6.0.12': {} }, '10.6.0.11'), 'provider somecloud has not made it ready');
  assert.equal(pick({}, undefined, { '10.6.0.10': owner }), '10.6.0.10');
});

test('a pool without the annotation, or with an empty one, gives out all of its addresses', () => {
  const pool = provided({ '10.6.0.12': {} }, {}, '');
  assert.equal(PoolLedger.read(pool).offered.count, 4n);
  delete pool.metadata.annotations;
  assert.equal(PoolLedger.read(pool).offered.count, 4n);
});

test('a text that did not change is not parsed again, and another one is', () => {
  const first = PoolLedger.read(provided({ '10.6.0.12': {} }));
  const same = PoolLedger.read(provided({ '10.6.0.12': {} }), first);
  assert.equal(same.pool.provision, first.pool.provision);
  assert.deepEqual(PoolLedger.read(provided({ '10.6.0.13': {} }), same).offered.format(), ['10.6.0.13']);
});

test('an interface has the MAC address and the VLAN of its addresses, and never two', () => {
  const at = (text: string, entry: object) => {
    const { pool } = PoolLedger.read(provided({ [text]: entry }));
    return { address: parseAddress(text), pool };
  };
  const one = at('10.6.0.10', { mac: MAC.toUpperCase().replaceAll(':', '-'), vlan: 2014 });
  assert.deepEqual(providedLink('eth0', [one]), { mac: MAC, vlan: 2014 });
  assert.deepEqual(providedLink('eth0', [one, at('10.6.0.11', { vlan: 0 })]), { mac: MAC, vlan: 2014 });
  assert.throws(() => providedLink('eth0', [one, at('10.6.0.11', { vlan: 5 })]), {
    code: 'IPPOOL_STATUS_INVALID',
  });
});

test('free addresses that are not ready have a state of their own', () => {
  const pool = provided({ '10.6.0.12': {} }, { '10.6.0.10': owner });
  const { reserved } = pickContext();
  const shares = poolShares(PoolLedger.read(pool), reserved, AddressSet.empty(4));
  assert.deepEqual(shares.unready.format(), ['10.6.0.11', '10.6.0.13']);
  assert.deepEqual(shares.free.format(), ['10.6.0.12']);
  const stateOf = (text: string) =>
    whereaboutsOf(parseAddress(text), [pool], reserved, false).found.map(({ state }) => state);
  assert.deepEqual(stateOf('10.6.0.11'), ['unready']);
  assert.deepEqual(stateOf('10.6.0.12'), ['free']);
});

test('a pool is exhausted when pods hold as many addresses as are ready', () => {
  const pool = provided({ '10.6.0.12': {} });
  pool.status = { totalIPCount: 4, allocatedIPCount: 1, ipMetaData: { readyIPCount: 2 } };
  assert.equal(exhaustedNote(pool), undefined);
  pool.status = { totalIPCount: 4, allocatedIPCount: 2, ipMetaData: { readyIPCount: 2 } };
  assert.equal(exhaustedNote(pool), 'pods hold 2 addresses, and 2 of 4 are ready');
  delete pool.status.ipMetaData;
  assert.equal(exhaustedNote(pool), undefined);
});
