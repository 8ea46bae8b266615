import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { SpiderIPPool, SpiderSubnet } from '#api';
import { addUseMetrics } from './use-metrics.ts';

const pool = (name: string, status?: SpiderIPPool['status'], subnetUid?: string): SpiderIPPool => ({
  metadata: {
    name,
    ...(subnetUid !== undefined && {
      ownerReferences: [{ apiVersion: 'v2beta1', kind: 'SpiderSubnet', name: 's', uid: subnetUid }],
    }),
  },
  ...(status !== undefined && { status }),
});

test('pools and subnets are counted at the scrape, and deleted ones are gone', async () => {
  const registry = new Registry();
  let pools = [pool('a', { totalIPCount: 10, allocatedIPCount: 4 }, 'u'), pool('new')];
  const subnet: SpiderSubnet = {
    metadata: { name: 's', uid: 'u' },
    status: { totalIPCount: 50, allocatedIPCount: 10 },
  };
  addUseMetrics(registry, { pools: () => pools, subnets: () => [subnet] });
  const text = await registry.metrics();
  for (const line of [
    'spiderpool_total_ippool_counts 2',
    'spiderpool_total_subnet_counts 1',
    'spiderpool_debug_ippool_total_ip_counts{SpiderIPPool="a"} 10',
    'spiderpool_debug_ippool_available_ip_counts{SpiderIPPool="a"} 6',
    'spiderpool_debug_ippool_available_ip_counts{SpiderIPPool="new"} 0',
    'spiderpool_debug_subnet_total_ip_counts{SpiderSubnet="s"} 50',
    'spiderpool_debug_subnet_available_ip_counts{SpiderSubnet="s"} 40',
    'spiderpool_debug_subnet_ippool_counts{SpiderSubnet="s"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is not in ${text}`);
  }
  pools = [pool('new')];
  assert.doesNotMatch(await registry.metrics(), /SpiderIPPool="a"/);
});

test('held addresses are counted by pool and namespace, with a limit, and unreadable records as none', async () => {
  const registry = new Registry();
  const holders = (pods: readonly string[]) =>
    JSON.stringify(Object.fromEntries(pods.map((pod, index) => [`10.6.0.${index}`, { pod, podUid: 'u' }])));
  let pools = [
    pool('a', { allocatedIPs: holders(['x/1', 'x/2', 'y/1']) }),
    pool('b', { allocatedIPs: '{' }),
    pool('c', { allocatedIPs: '{"10.6.0.1":null,"10.6.0.2":{"pod":7}}' }),
  ];
  addUseMetrics(registry, { pools: () => pools, subnets: () => [] });
  const held = async () => (await registry.metrics()).match(/^orbweaver_pool_held_addresses\{.*$/gm);
  assert.deepEqual(await held(), [
    'orbweaver_pool_held_addresses{pool="a",namespace="x"} 2',
    'orbweaver_pool_held_addresses{pool="a",namespace="y"} 1',
    'orbweaver_pool_held_addresses{pool="c",namespace=""} 2',
  ]);
  pools = [
    pool('big', { allocatedIPs: holders(Array.from({ length: 3_000 }, (_, index) => `n${index}/p`)) }),
  ];
  const lines = await held();
  assert.equal(lines?.length, 2_001);
  assert.equal(lines?.at(-1), 'orbweaver_pool_held_addresses{pool="big",namespace=""} 1000');
});

test('our conditions of pools and subnets are 1 or 0, and those of others are not counted', async () => {
  const registry = new Registry();
  const conditions = [
    { type: 'Ready', status: 'True' as const },
    { type: 'Exhausted', status: 'False' as const },
    { type: 'example.com/Audited', status: 'True' as const },
  ];
  addUseMetrics(registry, {
    pools: () => [{ ...pool('a', { conditions }), kind: 'SpiderIPPool' }],
    subnets: () => [],
  });
  assert.deepEqual((await registry.metrics()).match(/^orbweaver_condition\{.*$/gm), [
    'orbweaver_condition{kind="SpiderIPPool",name="a",condition="Ready"} 1',
    'orbweaver_condition{kind="SpiderIPPool",name="a",condition="Exhausted"} 0',
  ]);
});
