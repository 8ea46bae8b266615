import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetConfList } from '#api';
import { addressesOf, networkStatus } from './network-status.ts';
import type { PodNetwork } from './pod-networks.ts';

const network: PodNetwork = {
  name: 'kube-system/lan',
  interface: 'eth0',
  isDefault: true,
  list: parseNetConfList('{"name":"lan","type":"macvlan"}', { subject: 'test' }),
  capabilityArgs: {},
};

const sandbox = '/run/netns/c1';
const result = {
  interfaces: [
    { name: 'veth1234', mac: '02:00:00:00:00:01' },
    { name: 'veth0', mac: '02:00:00:00:00:02', sandbox },
    { name: 'eth0', mac: '02:00:00:00:00:03', sandbox },
  ],
  ips: [
    { address: '10.6.0.9/16', gateway: '10.6.0.1', interface: 2 },
    { address: 'fd00:10:6::9/64' },
    { address: '169.254.0.1/32', interface: 1 },
  ],
  routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }, { dst: '10.96.0.0/16', gw: '10.6.0.7' }, { dst: '::/0' }],
};

test('network-status reports the interface that the runtime named, and no other in the sandbox', () => {
  assert.deepEqual(networkStatus(network, result), {
    name: 'kube-system/lan',
    interface: 'eth0',
    ips: ['10.6.0.9', 'fd00:10:6::9'],
    mac: '02:00:00:00:00:03',
    default: true,
    dns: {},
    gateway: ['10.6.0.1'],
  });
});

test('a result without interfaces still has its addresses', () => {
  assert.deepEqual(addressesOf({ ips: [{ address: '10.6.0.9/16' }] }, 'eth0'), ['10.6.0.9']);
});

test('a network that is not the default has no default flag and no gateway', () => {
  const status = networkStatus({ ...network, isDefault: false, interface: 'net1' }, {});
  assert.deepEqual(status, { name: 'kube-system/lan', interface: 'net1', ips: [], dns: {} });
});
