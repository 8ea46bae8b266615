import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAddress, newLedger, type OwnAddress, type PortLedger } from './port-ledger.ts';
import { reconciled } from './reconciliation.ts';

const port = (mark: string | undefined, ...addresses: string[]) => ({
  fixed_ips: addresses.map((ip_address) => ({ subnet_id: 's', ip_address })),
  description: mark === undefined ? '' : `[orbweaver ${mark}]`,
  revision_number: 5,
});
const owned = (address: string, missing = false): OwnAddress => ({
  ...newAddress({ subnetId: 's', address, owner: 'pod', missing }),
});
const empty = newLedger('p', '0123abcd');
const used: PortLedger = { ...empty, sequence: 3 };

test('an address that the port lacks is missing, and forgotten after a second look', () => {
  const before = { ...used, addresses: [owned('.19'), owned('.20')] };
  const once = reconciled(before, port(undefined, '.8', '.19'), ['.8']);
  assert.deepEqual(once.addresses, [owned('.19'), owned('.20', true)]);
  assert.deepEqual(reconciled(once, port(undefined, '.8', '.19'), ['.8']).addresses, [owned('.19')]);
});

test('a missing address that is there again is as before', () => {
  const before = { ...used, addresses: [owned('.20', true)] };
  assert.deepEqual(reconciled(before, port(undefined, '.8', '.20'), ['.8']).addresses, [owned('.20')]);
});

test('what others add to the port is not ours, and no question', () => {
  assert.deepEqual(reconciled(used, port('0123abcd-3', '.8', '.77'), ['.8']), used);
  assert.deepEqual(reconciled(empty, port(undefined, '.8', '.77'), ['.8']), empty);
});

test("a new ledger of a port with a mark is the second one: all but the node's own addresses are unsure", () => {
  const after = reconciled(empty, port('ffffffff-9', '.8', '.19', '.77'), ['.8']);
  assert.deepEqual(after, { ...empty, unsure: ['.19', '.77'] });
  assert.deepEqual(reconciled(after, port('ffffffff-9', '.8', '.77'), ['.8']).unsure, ['.77']);
});
