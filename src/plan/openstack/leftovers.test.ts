import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import { addressHolders, claimOn, markedAddresses, pairsLeft } from './leftovers.ts';
import { isOfCluster, isOfNode, ledgerOf, originTexts } from './own-ports.ts';

const addressesOf = (...addresses: readonly string[]) =>
  addresses.map((ip_address) => ({ subnet_id: 's', ip_address }));

const port = {
  fixed_ips: addressesOf('10.0.0.8', '10.0.0.9', 'fd00::0:8'),
  revision_number: 3,
  description: 'web [orbweaver 0123abcd-7]',
};
const node = {
  status: { addresses: ['10.0.0.8', 'fd00::8'].map((address) => ({ type: 'InternalIP', address })) },
};

test('the addresses beside those of the node, on a port that an agent has written', () => {
  assert.deepEqual(markedAddresses(port, node), ['10.0.0.9']);
  assert.deepEqual(markedAddresses({ ...port, description: 'web' }, node), []);
});

const origin = { node: 'n1', cluster: 'uid-a' };
const texts = originTexts(origin, 'pairs-p');
const reserved = { ...texts, device_id: 'orbweaver-pool-p', fixed_ips: addressesOf('10.0.0.9') };

test('a port of our own is that of its cluster and node, by its description or by its tags', () => {
  for (const one of [texts, { ...texts, description: 'mine' }, { ...texts, tags: [] }]) {
    assert.ok(isOfCluster(one, 'uid-a') && isOfNode(one, 'n1'));
    assert.ok(!isOfCluster(one, 'uid-b') && !isOfCluster(one, 'a') && !isOfNode(one, 'n'));
  }
  assert.ok(!isOfCluster({ description: 'by hand, cluster uid-a' }, 'uid-a'));
  assert.equal(ledgerOf(texts), 'pairs-p');
});

test('a port is claimed by a living pod with its address, by a node whose ledger counts, and by its pool', () => {
  const pod = (phase: string) =>
    ({ metadata: { namespace: 'ns', name: 'a' }, status: { phase, podIPs: [{ ip: '10.0.0.9' }] } }) as Pod;
  const claim = (phase: string, nodes: readonly string[], pools: readonly string[] = []) =>
    claimOn(reserved, { nodes, pools: new Set(pools), pods: addressHolders([pod(phase)]) });
  assert.deepEqual(claim('Running', ['n1']), { is: 'pod', pod: 'ns/a', address: '10.0.0.9' });
  assert.deepEqual(claim('Failed', ['n2', 'n1']), { is: 'node', node: 'n1' });
  assert.equal(claim('Succeeded', ['n2'], ['q']), undefined);
  assert.deepEqual(claim('Succeeded', [], ['p']), { is: 'pool' });
});

test('of the pairs of a VM, those that are exactly the addresses of a port', () => {
  const pairs = ['10.0.0.9/32', '10.0.0.0/24', '10.0.0.8'].map((ip_address) => ({
    ...{ ip_address, mac_address: 'fa:16:3e:00:00:01' },
  }));
  assert.deepEqual(pairsLeft({ allowed_address_pairs: pairs }, reserved), pairs.slice(0, 1));
  assert.deepEqual(pairsLeft({}, reserved), []);
});
