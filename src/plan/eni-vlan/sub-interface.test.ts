import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '#net';
import {
  differencesOf,
  linksOfAttachment,
  plannedSubInterface,
  subInterfaceAlias,
  temporaryName,
} from './sub-interface.ts';

const link = (name: string, more: Partial<Link> = {}): Link => ({
  ...{ index: 3, name, mtuBytes: 1500, up: true, carrier: true, loopback: false, ...more },
});
const master = link('eth1', { index: 7 });
const mac = '0a:00:00:00:00:65';
const key = { containerId: '0123456789abcdef', interfaceName: 'eth0' };

test('VLAN and MAC address are those that the source demands; the MTU is left to the kernel', () => {
  const planned = plannedSubInterface({ master, mtu: 0, demand: { vlan: 101, mac } });
  assert.deepEqual(planned, { master: 'eth1', vlanId: 101, mac });
});

test('the MTU is the configured one, unless the source demands a smaller one', () => {
  const mtuOf = (mtu: number, mtuBytes?: number) =>
    plannedSubInterface({
      ...{ master, mtu },
      demand: { vlan: 101, ...(mtuBytes !== undefined && { mtuBytes }) },
    }).mtuBytes;
  assert.deepEqual([mtuOf(1400), mtuOf(1400, 1450), mtuOf(1400, 1300)], [1400, 1400, 1300]);
  assert.deepEqual([mtuOf(1500), mtuOf(0, 9000), mtuOf(0, 1442)], [1500, 1500, 1442]);
});

test('an MTU above that of the master is refused, with the field and both values', () => {
  assert.throws(() => plannedSubInterface({ master, mtu: 1501, demand: { vlan: 101 } }), {
    code: 'INPUT_INVALID',
    message: 'eni-vlan configuration: mtu: 1501 is larger than the 1500 of master eth1',
  });
});

test('a source that demands no VLAN is an error that says what the network needs', () => {
  for (const demand of [undefined, {}, { mac }]) {
    assert.throws(() => plannedSubInterface({ master, mtu: 0, demand }), {
      code: 'ENI_VLAN_UNCHOSEN',
      message: /chose no VLAN on master eth1: this network needs a network provider/,
    });
  }
});

test('names before the final one differ by attachment, and are not longer than the kernel allows', () => {
  const names = [key, { ...key, interfaceName: 'net1' }, { ...key, containerId: 'f' }].map(temporaryName);
  assert.equal(new Set(names).size, 3);
  assert.ok(names.every((name) => name.length <= 15));
  assert.equal(subInterfaceAlias({ ...key, containerId: 'a'.repeat(300) }).length, 255);
});

test('the links of an attachment are found half made, by alias, and by VLAN and master', () => {
  const vlan = { kind: 'vlan', vlanId: 101, linkIndex: 7, linkNetnsId: 0 };
  const half = link(temporaryName(key), vlan);
  const named = link('renamed', { ...vlan, vlanId: 5, alias: subInterfaceAlias(key) });
  const changed = link('eth0', { ...vlan, alias: 'of the pod' });
  const foreign = [
    link('eth0', { kind: 'macvlan', alias: subInterfaceAlias(key) }),
    link('a', { ...vlan, vlanId: 102 }),
    link('b', { ...vlan, linkIndex: 8 }),
    // Made by the pod on a link of its own.
    link('c', { kind: 'vlan', vlanId: 101, linkIndex: 7 }),
    link('d', { ...vlan, vlanId: 5, alias: subInterfaceAlias({ ...key, containerId: 'f' }) }),
  ];
  const links = [half, named, changed, ...foreign];
  const recorded = { vlanId: 101, masterIndex: 7 };
  assert.deepEqual(linksOfAttachment(links, key, recorded), [half, named, changed]);
  assert.deepEqual(linksOfAttachment(links, key, undefined), [half, named]);
});

test('CHECK names each difference: state, master, VLAN, MAC address, MTU', () => {
  const made = { master: 'eth1', vlanId: 101, mac, mtuBytes: 1500 };
  const right = link('eth0', { kind: 'vlan', vlanId: 101, linkIndex: 7, linkNetnsId: 0, mac });
  const saidOf = (changes: Partial<Link>, index: number | undefined = 7) =>
    differencesOf({ ...right, ...changes }, made, index);
  assert.deepEqual(saidOf({}), []);
  assert.deepEqual(saidOf({ up: false }), ['interface eth0 is down']);
  assert.deepEqual(saidOf({ linkIndex: 8 }), ['interface eth0 is not on master eth1 of the node']);
  assert.deepEqual(differencesOf(right, made, undefined), [
    'interface eth0 is not on master eth1 of the node',
  ]);
  assert.deepEqual(saidOf({ vlanId: 102 }), ['interface eth0 has VLAN 102, and had 101']);
  assert.deepEqual(saidOf({ mac: '0a:00:00:00:00:66' }), [
    `interface eth0 has MAC address 0a:00:00:00:00:66, and had ${mac}`,
  ]);
  assert.deepEqual(saidOf({ mtuBytes: 1400 }), ['interface eth0 has MTU 1400, and had 1500']);
  assert.deepEqual(saidOf({ kind: 'macvlan' }), ['interface eth0 is no VLAN']);
});
