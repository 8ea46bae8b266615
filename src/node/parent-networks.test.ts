import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseCidr } from '#ip';
import { FakeNamespace } from '#net/testing';
import { parentNetworks } from './parent-networks.ts';

const node = new FakeNamespace();
const pod = new FakeNamespace();
const { index } = node.addLink({ name: 'ens1f0' });
node.addLink({ name: 'other' });
for (const [dev, address] of [
  ['ens1f0', '10.6.0.101/16'],
  ['ens1f0', 'fd00::101/64'],
  ['other', '10.7.0.101/16'],
] as const) {
  node.change([
    { verb: 'create', kind: 'address', address: { dev, address: parseCidr(address), scope: 'global' } },
  ]);
}
pod.addLink({ name: 'vf', deviceName: '0000:3b:02.1' });
pod.addLink({ name: 'nic', deviceName: '0000:3b:00.0' });
pod.addLink({ name: 'mv', kind: 'macvlan', linkIndex: index });
pod.addLink({ name: 'veth0', kind: 'veth', linkIndex: index });

const functions = (device: string) => (device === '0000:3b:02.1' ? ['ens1f0', 'moved-away'] : []);
const of = (nic: string) => parentNetworks(pod, node, nic, functions).map(formatCidr);

test('the networks of a virtual function are those of its physical function', () => {
  assert.deepEqual(of('vf'), ['10.6.0.101/16', 'fd00::101/64']);
});

test('the networks of a macvlan are those of what it is made on', () => {
  assert.deepEqual(of('mv'), ['10.6.0.101/16', 'fd00::101/64']);
});

test('a NIC without a parent on the node has none', () => {
  assert.deepEqual([of('nic'), of('veth0'), of('missing')], [[], [], []]);
});
