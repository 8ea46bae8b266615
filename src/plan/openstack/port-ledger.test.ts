import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  assign,
  forgetGone,
  type Intent,
  listWithMore,
  listWithout,
  markOf,
  newAddress,
  newLedger,
  nextMark,
  type OwnAddress,
  type PortLedger,
  release,
  settle,
  withMark,
} from './port-ledger.ts';

const at = (...addresses: string[]) => addresses.map((ip_address) => ({ subnet_id: 's', ip_address }));
const state = (revision_number: number, mark: string | undefined, ...addresses: string[]) => ({
  fixed_ips: at(...addresses),
  description: mark === undefined ? '' : `[orbweaver ${mark}]`,
  revision_number,
});
const owned = (address: string, owner: string | null = null, leaving = false): OwnAddress => ({
  ...newAddress({ subnetId: 's', address, owner, leaving }),
});
const any = { subnetId: 's', groups: null, address: null };
const empty = newLedger('p', '0123abcd');
const { ledger: marked, mark } = nextMark(empty);
const intent: Intent = { mark, subnetId: 's', count: 1, revision: 5, before: ['.8'] };
const begun: PortLedger = { ...marked, intent };

test('a mark stands behind the words of the user, and takes the place of older marks', () => {
  assert.equal(mark, '0123abcd-1');
  assert.equal(withMark('', mark), '[orbweaver 0123abcd-1]');
  const described = withMark('web VM [orbweaver ffffffff-9]', mark);
  assert.equal(described, 'web VM [orbweaver 0123abcd-1]');
  assert.equal(markOf(described ?? ''), mark);
  assert.equal(markOf('web VM'), undefined);
  assert.equal(withMark('x'.repeat(240), mark), undefined);
});

test('what came with our mark is ours', () => {
  const settled = settle(begun, intent, state(7, mark, '.19', '.8'));
  assert.deepEqual(settled, { is: 'done', ledger: { ...marked, addresses: [owned('.19')] } });
});

test('of more than was asked for, nobody knows which is ours: none is given', () => {
  const settled = settle(begun, intent, state(9, mark, '.19', '.20', '.8'));
  assert.ok(settled.is === 'done');
  assert.deepEqual(settled.ledger.addresses, []);
  assert.deepEqual(settled.ledger.unsure, ['.19', '.20']);
});

test('an address of another subnet is not ours', () => {
  const port = {
    ...state(7, mark, '.8'),
    fixed_ips: [...at('.8'), { subnet_id: 'slaac', ip_address: '::8' }],
  };
  assert.deepEqual(settle(begun, intent, port), { is: 'done', ledger: marked });
});

test('at the old revision the write may still come', () => {
  assert.deepEqual(settle(begun, intent, state(5, undefined, '.8')), { is: 'pending' });
});

test('after a write of others, what came is not ours', () => {
  const settled = settle(begun, intent, state(6, 'ffffffff-1', '.19', '.8'));
  assert.deepEqual(settled, { is: 'void', ledger: { ...marked, unsure: ['.19'] } });
  assert.deepEqual(settle(begun, intent, state(6, undefined, '.8')), { is: 'void', ledger: marked });
});

test('an unsure address that left the port is forgotten', () => {
  const before = { ...begun, unsure: ['.30', '.31'] };
  const settled = settle(before, intent, state(6, undefined, '.8', '.31'));
  assert.ok(settled.is === 'void');
  assert.deepEqual(settled.ledger.unsure, ['.31']);
});

test('a list with more names all that is there', () => {
  assert.deepEqual(listWithMore(state(5, undefined, '.8', '.9'), any, 2), [
    ...at('.8', '.9'),
    { subnet_id: 's' },
    { subnet_id: 's' },
  ]);
});

test('a list without leaves what is not ours, and what does not leave', () => {
  const ledger = { ...empty, addresses: [owned('.19', null, true), owned('.20', 'pod')] };
  assert.deepEqual(
    listWithout(state(5, undefined, '.8', '.19', '.20', '.77'), ledger),
    at('.8', '.20', '.77'),
  );
});

test('an address has one owner, who keeps it; what leaves, is missing or rests is given to nobody', () => {
  const others = [
    owned('.18', null, true),
    { ...owned('.17'), missing: true },
    { ...owned('.16'), restsUntilMs: 1 },
  ];
  const ledger = { ...empty, addresses: [...others, owned('.19'), owned('.20')] };
  const first = assign(ledger, ['pod', 'pod'], any);
  assert.equal(addressOf(first, 'pod', 's'), '.19');
  assert.equal(addressOf(first, 'pod', 'other'), undefined);
  assert.equal(assign(first, ['pod'], any), first);
  const second = assign(first, ['pod', 'other', 'third'], any);
  assert.deepEqual(
    ['pod', 'other', 'third'].map((owner) => addressOf(second, owner, 's')),
    ['.19', '.20', undefined],
  );
});

test('what an owner gives back rests', () => {
  const ledger = { ...empty, addresses: [owned('.19', 'pod'), owned('.20', 'other'), owned('.21')] };
  const released = release(ledger, ({ owner }) => owner === 'pod', 7);
  assert.deepEqual(released.addresses, [
    { ...owned('.19'), restsUntilMs: 7 },
    owned('.20', 'other'),
    owned('.21'),
  ]);
});

test('only a leaving address that is gone is forgotten', () => {
  const ledger = {
    ...empty,
    addresses: [owned('.18', null, true), owned('.19', null, true), owned('.20', 'pod')],
  };
  assert.deepEqual(forgetGone(ledger, state(5, undefined, '.19')).addresses, [
    owned('.19', null, true),
    owned('.20', 'pod'),
  ]);
});
