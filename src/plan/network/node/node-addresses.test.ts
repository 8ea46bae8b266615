import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api';
import { formatAddress, parseCidr } from '#ip';
import type { InterfaceAddress, Link } from '#net';
import { nodeAddresses } from './node-addresses.ts';

const names = ['lo', 'eth0', 'eth1', 'docker0', 'br-ex', 'vxlan.calico', 'veth0123', 'bond0.7', 'kube-ipvs0'];
const kinds: Record<string, string> = {
  docker0: 'bridge',
  'br-ex': 'bridge',
  'vxlan.calico': 'vxlan',
  veth0123: 'veth',
  'bond0.7': 'vlan',
  'kube-ipvs0': 'dummy',
};
const links: Link[] = names.map((name, i) => ({
  index: i + 1,
  name,
  ...(kinds[name] !== undefined && { kind: kinds[name] }),
  mtuBytes: 1500,
  up: true,
  carrier: true,
  loopback: name === 'lo',
  ...(name === 'eth1' && { masterIndex: names.indexOf('br-ex') + 1 }),
  ...(name === 'veth0123' && { masterIndex: names.indexOf('docker0') + 1 }),
}));

function on(dev: string, address: string, scope: InterfaceAddress['scope'] = 'global'): InterfaceAddress {
  return { dev, address: parseCidr(address), scope };
}

function node(...addresses: string[]): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    status: {
      addresses: [
        { type: 'Hostname', address: 'n1' },
        ...addresses.map((address) => ({ type: 'InternalIP', address })),
        { type: 'ExternalIP', address: '198.51.100.7' },
      ],
    },
  };
}

function chosen(addresses: readonly InterfaceAddress[], of: Node | undefined): string[] {
  return nodeAddresses(links, addresses, of).map(formatAddress);
}

test('the InternalIPs come first, in the order of the Node object, whatever NIC the kernel prefers', () => {
  const addresses = [
    on('eth0', '192.168.1.10/24'),
    on('bond0.7', '10.6.0.1/16'),
    on('bond0.7', 'fd00:6::1/64'),
  ];
  assert.deepEqual(chosen(addresses, node('10.6.0.1', 'fd00:6::1')), [
    '10.6.0.1',
    'fd00:6::1',
    '192.168.1.10',
  ]);
});

test('virtual addresses, container bridges, overlays and our own veths are not addresses of the node', () => {
  const addresses = [
    on('lo', '127.0.0.1/8', 'host'),
    on('eth0', '10.6.0.1/16'),
    on('eth0', '10.6.0.200/32'),
    on('eth0', 'fd00:6::200/128'),
    on('eth0', 'fe80::1/64', 'link'),
    on('docker0', '172.17.0.1/16'),
    on('vxlan.calico', '10.244.0.1/24'),
    on('veth0123', '10.9.0.1/24'),
    on('kube-ipvs0', '10.96.0.1/32'),
  ];
  assert.deepEqual(chosen(addresses, node('10.6.0.1')), ['10.6.0.1']);
});

test('a bridge with a NIC as port counts as the node’s own', () => {
  assert.deepEqual(chosen([on('br-ex', '10.6.0.1/16')], undefined), ['10.6.0.1']);
});

test('an InternalIP counts on any link and with any prefix, but must be on a link', () => {
  assert.deepEqual(chosen([on('docker0', '10.6.0.1/32')], node('10.6.0.1', '203.0.113.9')), ['10.6.0.1']);
});

test('without the Node object, the addresses of NICs are used in the kernel’s order', () => {
  assert.deepEqual(chosen([on('eth0', '10.6.0.1/16'), on('eth0', '10.6.0.1/24')], undefined), ['10.6.0.1']);
});
