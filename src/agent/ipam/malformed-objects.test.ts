// Objects of our kinds that were stored past the webhooks and make no sense, against an agent.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type KubeObject, type ResourceType, resources } from '#api';
import type { FakeKube } from '#kube/testing';
import { add, agent, cluster, del, pod, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const pools = { v4: { ips: ['10.6.1.1-10.6.1.9'] } };
const nonsense: readonly unknown[] = [7, 'text', true, [], [7], { a: 1 }, 'x'.repeat(100_000), 1e308, null];

const put = (kube: FakeKube, type: ResourceType, name: string, rest: object) =>
  kube.create(type, {
    metadata: { name, ...(type.namespaced && { namespace: 'default' }) },
    ...rest,
  } as KubeObject);

test('pools, coordinators and endpoints that cannot be read take no address from anybody', async () => {
  const kube = await cluster(pools);
  for (const [index, value] of nonsense.entries()) {
    for (const field of ['subnet', 'ips', 'gateway', 'routes', 'nodeName', 'default']) {
      const spec = { subnet: '10.9.0.0/16', default: true, [field]: value };
      await put(kube, resources.spiderIPPools, `${field.toLowerCase()}-${index}`, { spec });
    }
    const spec = { subnet: '10.8.0.0/16', ips: ['10.8.0.1'] };
    await put(kube, resources.spiderIPPools, `status-${index}`, { spec, status: value });
    await put(kube, resources.spiderCoordinators, `mode-${index}`, { spec: { mode: value } });
  }
  await put(kube, resources.spiderEndpoints, 'web', { status: { current: 7 } });
  const allocator = await agent(kube);
  const { metadata } = await pod(kube, 'web');
  assert.deepEqual(texts(await allocator.allocate(add('web'))), ['eth0 10.6.1.1/16']);
  await allocator.release(del('web', metadata.uid ?? ''));
  await pod(kube, 'next');
  await assert.rejects(
    allocator.allocate(add('next', { ipam: { default_ipv4_ippool: ['subnet-0'] } })),
    /IPPool subnet-0 cannot be used: .*does not fit the schema of SpiderIPPool/,
  );
});

test('a reservation that cannot be read stops new addresses, and says so: nobody knows what it reserves', async () => {
  const kube = await cluster(pools);
  await put(kube, resources.spiderReservedIPs, 'r', { spec: { ips: 'all' } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  await assert.rejects(allocator.allocate(add('web')), /SpiderReservedIP r: .*does not fit the schema/);
  await kube.delete(resources.spiderReservedIPs, { name: 'r' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(texts(await allocator.allocate(add('web'))), ['eth0 10.6.1.1/16']);
});
