import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNetworkPair, isLetThrough, isWithoutPair, pairStep } from './address-pairs.ts';
import { newAddress, newLedger, type OwnAddress } from './port-ledger.ts';

const mac_address = 'fa:16:3e:00:00:01';
const pair = (ip_address: string, mac = mac_address) => ({ ip_address, mac_address: mac });
const portWith = (...pairs: string[]) => ({
  ...{ mac_address, port_security_enabled: true },
  allowed_address_pairs: pairs.map((one) => pair(one)),
});
const own = (host: number, state: OwnAddress['pair'], more: Partial<OwnAddress> = {}): OwnAddress =>
  newAddress({ subnetId: 's', address: `10.0.0.${host}`, portId: `p${host}`, pair: state, ...more });
const ledgerOf = (...addresses: OwnAddress[]) => ({ ...newLedger('pairs-p', '0123abcd'), addresses });

/** States of the ledger after the step, and the list. */
function step(addresses: OwnAddress[], port: Parameters<typeof pairStep>[1], limit?: number) {
  const { ledger, list } = pairStep(ledgerOf(...addresses), port, limit);
  return [ledger.addresses.map((one) => one.pair), list?.map(({ ip_address }) => ip_address)] as const;
}

test('a pair is added beside those of others, is adding until it is seen, and then ours', () => {
  const first = pairStep(ledgerOf(own(5, 'new')), portWith('10.9.0.1'));
  assert.deepEqual(first.list, [pair('10.9.0.1'), pair('10.0.0.5')]);
  const seen = pairStep(first.ledger, portWith('10.9.0.1', '10.0.0.5'));
  assert.equal(seen.list, undefined);
  assert.equal(seen.ledger.addresses[0]?.pair, 'ours');
  assert.equal(pairStep(seen.ledger, portWith('10.9.0.1', '10.0.0.5')).ledger, seen.ledger);
});

test('a pair that was there before is of another, and stays when the address leaves', () => {
  assert.deepEqual(step([own(5, 'new')], portWith('10.0.0.5')), [['none'], undefined]);
  assert.deepEqual(step([own(5, 'none', { leaving: true })], portWith('10.0.0.5')), [['none'], undefined]);
});

test('a pair with another MAC address lets nothing through, and stays', () => {
  const port = { ...portWith(), allowed_address_pairs: [pair('10.0.0.5', 'fa:16:3e:00:00:99')] };
  assert.deepEqual(step([own(5, 'new')], port), [['adding'], ['10.0.0.5', '10.0.0.5']]);
  const both = { ...port, allowed_address_pairs: [...port.allowed_address_pairs, pair('10.0.0.5')] };
  const removed = pairStep(ledgerOf(own(5, 'ours', { leaving: true })), both);
  assert.deepEqual(removed.list, port.allowed_address_pairs);
});

test('a network of another covers addresses: no pair is added, and our own are taken off', () => {
  const port = portWith('10.0.0.0/24', '10.0.0.6');
  assert.deepEqual(step([own(5, 'new'), own(6, 'ours')], port), [['none', 'ours'], ['10.0.0.0/24']]);
  assert.ok(hasNetworkPair(port) && !hasNetworkPair(portWith('10.0.0.6', '10.0.0.7/32', '::1')));
  assert.ok(isLetThrough(port, '10.0.0.200') && !isLetThrough(port, '10.0.1.1'));
});

test('a pair that another program took off comes again', () => {
  assert.deepEqual(step([own(5, 'ours'), own(6, 'none')], portWith()), [
    ['adding', 'adding'],
    ['10.0.0.5', '10.0.0.6'],
  ]);
});

test('a leaving pair is taken off; one that a late write may add is added first', () => {
  const leaving = { leaving: true };
  assert.deepEqual(step([own(5, 'ours', leaving), own(6, 'ours')], portWith('10.0.0.5', '10.0.0.6')), [
    ['ours', 'ours'],
    ['10.0.0.6'],
  ]);
  assert.deepEqual(step([own(5, 'ours', leaving)], portWith()), [['none'], undefined]);
  assert.deepEqual(step([own(5, 'adding', leaving)], portWith()), [['adding'], ['10.0.0.5']]);
  assert.deepEqual(step([own(5, 'adding', leaving)], portWith('10.0.0.5')), [['ours'], []]);
  assert.deepEqual(step([own(5, 'new', leaving)], portWith()), [['none'], undefined]);
});

test('an address that Neutron gave again keeps its pair when the older entry leaves', () => {
  const old = own(5, 'ours', { leaving: true, portId: 'gone' });
  assert.deepEqual(step([old, own(5, 'ours')], portWith('10.0.0.5')), [['none', 'ours'], undefined]);
});

test('of what does not fit, pods come first and the rest waits', () => {
  const addresses = [own(5, 'new'), own(6, 'new', { owner: 'pod' }), own(7, 'ours')];
  const port = portWith('10.9.0.1', '10.0.0.7');
  assert.deepEqual(step(addresses, port, 3), [
    ['new', 'adding', 'ours'],
    ['10.9.0.1', '10.0.0.7', '10.0.0.6'],
  ]);
  assert.deepEqual(step(addresses, port, 2), [['new', 'new', 'ours'], undefined]);
  assert.ok(isWithoutPair(own(5, 'new')) && !isWithoutPair(own(5, 'adding')));
});

test('without port security nothing is to do', () => {
  const port = { mac_address, port_security_enabled: false, allowed_address_pairs: [] };
  assert.deepEqual(step([own(5, 'new'), own(6, 'ours')], port), [['none', 'none'], undefined]);
  assert.ok(isLetThrough(port, '10.0.0.5'));
  assert.ok(!isLetThrough({ mac_address }, '10.0.0.5'));
});
