// The pools as an agent knows them: which of them may hold something for a pod.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool } from '#api';
import { silentLogger, systemClock } from '#base';
import type { KubeClient } from '#kube';
import type { ClusterView } from '../cluster-view.ts';
import { silentIpamMetrics } from './metrics.ts';
import { NodePools } from './node-pools.ts';

test('a pool may hold an address for a pod by its UID, and for a fixed owner also by its name', () => {
  const pool: SpiderIPPool = resources.spiderIPPools.schema.parse({
    metadata: { name: 'p', resourceVersion: '1' },
    spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.10-10.6.0.19'] },
    status: { allocatedIPs: JSON.stringify({ '10.6.0.10': { pod: 'ns/db-0', podUid: 'uid-1' } }) },
  });
  const view = { pool: () => pool } as unknown as ClusterView;
  const pools = new NodePools({
    ...{ client: {} as KubeClient, clock: systemClock, log: silentLogger, metrics: silentIpamMetrics },
    ...{ view, addressRestMs: 0 },
  });
  const owner = { pod: 'ns/db-0', podUid: 'uid-1', nic: 'eth0' };
  assert.equal(pools.mayHold('p', owner), true);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2' }), false);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2', fixed: true }), true);
  assert.equal(pools.mayHold('p', { ...owner, podUid: 'uid-2', pod: 'ns/db-00', fixed: true }), false);
});
