// Pools whose status says which addresses a provider has made ready, and what their interfaces need.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { resources } from '#api';
import type { FakeKube } from '#kube/testing';
import { add, agent, cluster, pod, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const MAC = 'fa:16:3e:aa:bb:cc';

async function provided(metadata: Record<string, object>): Promise<FakeKube> {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const annotations = { 'ipam.spidernet.io/iaas-provider': 'somecloud' };
  await kube.patch(
    resources.spiderIPPools,
    { name: 'v4' },
    { type: 'merge', body: { metadata: { annotations } } },
  );
  await provide(kube, metadata);
  return kube;
}

async function provide(kube: FakeKube, metadata: Record<string, object>): Promise<void> {
  const body = { status: { ipMetaData: { metadata: JSON.stringify(metadata) } } };
  const patch = { type: 'merge', body, subresource: 'status' } as const;
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, patch);
}

test('a pod gets a ready address with its MAC address and VLAN, and its SpiderEndpoint shows both', async () => {
  const kube = await provided({ '10.6.1.5': { mac: MAC, vlan: 2014 } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const allocation = await allocator.allocate(add('web'));
  assert.deepEqual(texts(allocation), ['eth0 10.6.1.5/16']);
  assert.deepEqual(allocation.link, { mac: MAC, vlan: 2014 });
  await allocator.settled();
  const { status } = await kube.get(resources.spiderEndpoints, { name: 'web', namespace: 'default' });
  const [shown] = status?.current?.ips ?? [];
  assert.deepEqual([shown?.mac, shown?.vlan], [MAC, 2014]);
});

test('the provider keeps what it wrote, and a later pod gets what it makes ready then', async () => {
  const kube = await provided({ '10.6.1.5': {} });
  const allocator = await agent(kube);
  await pod(kube, 'one');
  await pod(kube, 'two');
  await allocator.allocate(add('one'));
  const { status } = await kube.get(resources.spiderIPPools, { name: 'v4' });
  assert.deepEqual(status?.ipMetaData, { metadata: '{"10.6.1.5":{}}' });
  await assert.rejects(allocator.allocate(add('two')), {
    code: 'IPPOOL_EXHAUSTED',
    message: /provider somecloud has not made ready 10.6.1.1-10.6.1.4 10.6.1.6-10.6.1.9/,
  });
  await provide(kube, { '10.6.1.5': {}, '10.6.1.7': {} });
  assert.deepEqual(texts(await allocator.allocate(add('two'))), ['eth0 10.6.1.7/16']);
});

test('a pod that requests another MAC address than the provider demands gets nothing, and nothing is left', async () => {
  const kube = await provided({ '10.6.1.5': { mac: MAC } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const requestedMacs = { mac: '02:00:00:00:00:05' };
  await assert.rejects(allocator.allocate(add('web', { requestedMacs })), {
    code: 'ADDRESS_REQUEST_UNSERVED',
    message: /02:00:00:00:00:05 .* demands fa:16:3e:aa:bb:cc/,
  });
  assert.deepEqual(await records(kube), {});
  const same = await allocator.allocate(add('web', { requestedMacs: { mac: MAC } }));
  assert.deepEqual(same.link, { mac: MAC });
});
