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
