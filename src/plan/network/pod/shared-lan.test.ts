import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calico, macvlan, plan } from './golden-fixture.ts';

const arp = (desired: ReturnType<typeof plan>) =>
  desired.pod.sysctls.map(({ key, value }) => `${key} ${value}`).filter((text) => text.includes('/arp_'));

test('NICs on one LAN answer ARP only for their own addresses, and veth0 answers for all', () => {
  const eth0 = macvlan('eth0', 6, '0.5', [4, 6]);
  const net1 = macvlan('net1', 7, '0.5', [4, 6], { table: 101 });
  const net2 = macvlan('net2', 6, '0.6', [4], { table: 102 });
  assert.deepEqual(arp(plan([eth0, net1, net2])), [
    'ipv4/conf/eth0/arp_ignore 1',
    'ipv4/conf/eth0/arp_announce 2',
    'ipv4/conf/net2/arp_ignore 1',
    'ipv4/conf/net2/arp_announce 2',
  ]);
});

test('NICs on different LANs, and a single NIC, keep the kernel’s defaults', () => {
  const eth0 = macvlan('eth0', 6, '0.5', [4, 6]);
  assert.deepEqual(arp(plan([eth0, macvlan('net1', 7, '0.5', [4], { table: 101 })])), []);
  assert.deepEqual(arp(plan([eth0, macvlan('net1', 6, '0.6', [6], { table: 101 })])), []);
  assert.deepEqual(arp(plan([macvlan('net1', 6, '0.5', [4], { table: 101 })], calico)), []);
});
