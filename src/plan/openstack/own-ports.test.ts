import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begun, compared, deviceOf, made, strays } from './own-ports.ts';
import { assign, isReady, newAddress, newLedger } from './port-ledger.ts';

const any = { subnetId: 's', groups: null, address: null };
const empty = newLedger('ports-n', '0123abcd');
const port = (id: string, name: string, address = `.${id}`, subnet_id = 's') => ({
  ...{ id, name, fixed_ips: [{ subnet_id, ip_address: address }] },
});
const own = (id: string, more = {}) => newAddress({ subnetId: 's', address: `.${id}`, portId: id, ...more });

test('ports of one request have a name that no other request has, and the device of their ledger', () => {
  const first = begun(empty, any);
  const second = begun(first.ledger, any);
  assert.deepEqual([first.name, second.name], ['orbweaver 0123abcd-1', 'orbweaver 0123abcd-2']);
  assert.deepEqual(first.ledger.making, { name: first.name, wanted: any });
  assert.equal(deviceOf(second.ledger), 'orbweaver-0123abcd');
});

test('what was begun is made: those ports alone, for the pods that they were made for', () => {
  const wanted = { ...any, groups: ['web'] };
  const { ledger, name } = begun(empty, wanted);
  const ports = [port('1', name), port('2', 'orbweaver 0123abcd-9'), port('3', name, '::3', 'other')];
  const after = made(ledger, ports, 'none');
  assert.deepEqual(after.addresses, [own('1', { groups: ['web'] })]);
  assert.equal(after.making, null);
  assert.equal(made(after, ports, 'none'), after);
  assert.equal(assign(after, ['plain'], any), after);
  assert.equal(assign(after, ['pod'], wanted).addresses[0]?.owner, 'pod');
});

test('an address that waits for its pair is given to nobody', () => {
  const { ledger, name } = begun(empty, any);
  const [waiting] = made(ledger, [port('1', name)], 'new').addresses;
  assert.ok(waiting !== undefined && !isReady(waiting));
  assert.ok(isReady({ ...waiting, pair: 'ours' }) && isReady({ ...waiting, pair: 'none' }));
  assert.ok(!isReady({ ...waiting, pair: 'adding' }));
});

test('an address whose port is gone or has another one is missing, and leaves after a second look', () => {
  const ledger = { ...empty, addresses: [own('1'), own('2', { owner: 'pod' }), own('3')] };
  const ports = [port('1', 'x'), port('3', 'x', '.9')];
  const once = compared(ledger, ports);
  assert.deepEqual(once.addresses, [
    own('1'),
    own('2', { owner: 'pod', missing: true }),
    own('3', { missing: true }),
  ]);
  const twice = compared(once, [...ports, port('2', 'x')]);
  assert.deepEqual(twice.addresses, [
    own('1'),
    own('2', { owner: 'pod' }),
    own('3', { missing: true, leaving: true }),
  ]);
});

test('a port that the ledger does not have is a stray', () => {
  const ledger = { ...empty, addresses: [own('1')] };
  assert.deepEqual(strays(ledger, [port('1', 'x'), port('2', 'x')]), ['2']);
});
