// The pools as an agent knows them: which of them may hold something for a pod.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool } from '#api';
import { silentLogger, systemClock } from '#base';
import { noProvider } from '#iaas/testing';
import type { KubeClient } from '#kube';
import { ClusterView } from '../cluster-view.ts';
import { silentIpamMetrics } from './metrics.ts';
import { NodePools } from './node-pools.ts';

/** Pools of this cluster as an agent knows them. */
function knowing(...objects: readonly SpiderIPPool[]): NodePools {
  const view = Object.assign(Object.create(ClusterView.prototype) as ClusterView, {
    pool: (name: string) => objects.find(({ metadata }) => metadata.name === name),
    pools: { list: () => objects },
  });
  return new NodePools({
    ...{ client: {} as KubeClient, clock: systemClock, log: silentLogger, metrics: silentIpamMetrics },
    iaas: noProvider,
    ...{ view, addressRestMs: 0 },
  });
}

const poolWith = (allocatedIPs: string): SpiderIPPool =>
  resources.spiderIPPools.schema.parse({
    metadata: { name: 'p', resourceVersion: '1' },
    spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.10-10.6.0.19'] },
    status: { allocatedIPs },
  });

test('a pool may hold an address for a pod by its UID, and for a fixed owner also by its name', () => {
  const records = { '10.6.0.10': { pod: 'ns/db-0', podUid: 'uid-1' } };
  const pools = knowing(poolWith(JSON.stringify(records)));
  const owner = { pod: 'ns/db-0', podUid: 'uid-1', nic: 'eth0' };
  assert.equal(pools.mayHold('p', owner), true);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2' }), false);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2', fixed: true }), true);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2', pod: 'ns/db-00', fixed: true }), false);
});

test('records that another program wrote with escapes are not overlooked', () => {
  // RFC 8259, chapter 7: any character may be escaped, and the slash in two ways.
  const text = String.raw`{"10.6.0.10":{"pod":"ns\/db-0","podUid":"\u0075id-1"}}`;
  const owner = { pod: 'ns/db-0', podUid: 'uid-1', nic: 'eth0' };
  assert.deepEqual(knowing(poolWith(text)).holding('uid-1'), ['p']);
  const pools = knowing(poolWith(text));
  assert.equal(pools.mayHold('p', owner), true);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2', fixed: true }), true);
  assert.deepEqual(pools.holding('uid-1'), ['p']);
  assert.equal(pools.leftTo({ ...owner, podUid: 'uid-2' }, 4)?.pool, 'p');
});
