import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetConfList, resources } from '#api';
import { FakeKube } from '#kube/testing';
import { networksOf } from './pod-networks.ts';

async function networks(annotations: Record<string, string>) {
  const client = new FakeKube();
  const define = (namespace: string, name: string, config: string) =>
    client.create(resources.networkAttachmentDefinitions, {
      metadata: { namespace, name },
      spec: { config },
    });
  await define('kube-system', 'lan', '{"cniVersion":"1.0.0","type":"macvlan"}');
  await define('shop', 'storage', '{"cniVersion":"1.0.0","name":"st","plugins":[{"type":"a"},{"type":"b"}]}');
  await define('shop', 'empty', ' ');
  const pod = { metadata: { namespace: 'shop', name: 'web', annotations } };
  return networksOf(pod, {
    client,
    multusNamespace: 'kube-system',
    clusterNetwork: () =>
      Promise.resolve(parseNetConfList('{"name":"cluster","type":"ptp"}', { subject: 'test' })),
  });
}

const shown = async (annotations: Record<string, string>) =>
  (await networks(annotations)).map((one) => [one.name, one.interface, one.isDefault, one.list.name]);

test('a pod without annotations gets the network of the cluster', async () => {
  assert.deepEqual(await shown({}), [['cluster', 'eth0', true, 'cluster']]);
});

test('default-network replaces the cluster network, and a bare name is looked up in the namespace of Multus', async () => {
  assert.deepEqual(await shown({ 'v1.multus-cni.io/default-network': 'lan' }), [
    ['kube-system/lan', 'eth0', true, 'lan'],
  ]);
});

test('networks adds interfaces by position or by name, and a bare name is looked up in the namespace of the pod', async () => {
  const annotation = 'storage,kube-system/lan,storage@data';
  assert.deepEqual(await shown({ 'k8s.v1.cni.cncf.io/networks': annotation }), [
    ['cluster', 'eth0', true, 'cluster'],
    ['shop/storage', 'net1', false, 'st'],
    ['kube-system/lan', 'net2', false, 'lan'],
    ['shop/storage', 'data', false, 'st'],
  ]);
});

test('requests of the annotation reach the plugins', async () => {
  const asked = [
    { name: 'storage', mac: '02:00:00:00:00:01', ips: ['10.9.0.5/24'], 'cni-args': { vlan: 7 } },
  ];
  const [, storage] = await networks({ 'k8s.v1.cni.cncf.io/networks': JSON.stringify(asked) });
  assert.deepEqual(storage?.capabilityArgs, { ips: ['10.9.0.5/24'], mac: '02:00:00:00:00:01' });
  assert.deepEqual(storage.list.plugins[1], { type: 'b', args: { cni: { vlan: 7 } } });
});

test('the error for a wrong annotation names the wrong part', async () => {
  await assert.rejects(
    networks({ 'k8s.v1.cni.cncf.io/networks': 'lost' }),
    /NetworkAttachmentDefinition shop\/lost: not found/,
  );
  await assert.rejects(
    networks({ 'k8s.v1.cni.cncf.io/networks': 'empty' }),
    /NetworkAttachmentDefinition shop\/empty: spec.config is empty/,
  );
  await assert.rejects(
    networks({ 'k8s.v1.cni.cncf.io/networks': 'storage@eth0' }),
    /interface eth0 is that of the default network/,
  );
});
