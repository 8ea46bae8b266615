// Applications that come, change and go, and what becomes of their pools.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocated, app, gone, KEEP, P, POOL, reasons, run, sized, small } from './application-fixture.ts';
import { planApplicationPools } from './index.ts';
import { application, Cluster, controlled, fromSubnet, subnetObject } from './subnet-fixture.ts';

test('every kind of workload gets a pool, grows, shrinks, and leaves nothing when it is deleted', () => {
  const kinds = [
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'ReplicaSet'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['batch/v1', 'Job'],
    ['batch/v1', 'CronJob'],
  ] as const;
  for (const [apiVersion, kind] of kinds) {
    const cluster = small();
    const one = application('app', { apiVersion, kind });
    run(cluster, one, sized('+1'), 2);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.12']);
    run(cluster, one, sized('+1'), 5);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.15']);
    run(cluster, one, sized('+1'), 1);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.11']);
    gone(cluster, one);
    assert.deepEqual([cluster.pools.size, allocated(cluster), controlled(cluster, 's')], [0, 0, null]);
  }
});

test('a restart changes nothing: the pool has the same addresses, and no write is left', () => {
  const cluster = small();
  run(cluster, app, sized('+1'), 2);
  const plan = planApplicationPools(cluster.facts(app, sized('+1'), 2));
  assert.deepEqual([plan.writes, plan.notices], [[], []]);
  assert.equal(
    [...plan.ledgers.values()].every((ledger) => ledger.change() === undefined),
    true,
  );
});

test('pools made and removed many times leave the subnet as it was', () => {
  const cluster = small();
  for (let time = 0; time < 20; time++) {
    const one = application('app', { uid: `0-${time}` });
    run(cluster, one, sized(String(1 + (time % 10))), 0);
    gone(cluster, one);
    assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
  }
});

test('a pool of a deleted application waits for its last pod, and gives out no address', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 1);
  cluster.allocate(POOL, 'a');
  gone(cluster, app);
  assert.deepEqual([allocated(cluster), cluster.allocate(POOL, 'b')], [2, undefined]);
  cluster.release(POOL, '10.6.0.10');
  gone(cluster, app);
  assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
});

test('a kept pool serves the next application of the same name and kind, with its new size', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  assert.deepEqual([cluster.ipsOf(POOL), allocated(cluster)], [['10.6.0.10-10.6.0.12'], 3]);
  const next = application('app', { uid: '0-123456789abc' });
  run(cluster, next, sized('4', KEEP), 0);
  assert.deepEqual([...cluster.pools.keys()], [POOL]);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.13']);
  assert.equal(cluster.pools.get(POOL)?.metadata.labels?.[`${P}owner-application-uid`], next.uid);
});

test('a kept pool serves no application of another kind, name or namespace', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  for (const [index, change] of [
    { kind: 'StatefulSet' },
    { name: 'other' },
    { namespace: 'other' },
  ].entries()) {
    run(cluster, application('app', { uid: `0-${index}`, ...change }), sized('1'), 0);
  }
  assert.equal(cluster.pools.size, 4);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.12']);
});

test('the controller of a third party gets a pool, and takes or leaves a kept one as others do', () => {
  const cluster = small();
  const rollout = application('app', { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' });
  run(cluster, rollout, sized('3', KEEP), 0);
  gone(cluster, rollout);
  run(cluster, { ...rollout, uid: '0-2' }, sized('4', KEEP), 0);
  assert.deepEqual([[...cluster.pools.keys()], cluster.ipsOf(POOL)], [[POOL], ['10.6.0.10-10.6.0.13']]);
  run(cluster, { ...rollout, kind: 'Canary', uid: '0-3' }, sized('1'), 0);
  assert.deepEqual(cluster.ipsOf('auto-app-v4-eth0-3'), ['10.6.0.14']);
});

test('a kept pool goes when its label is changed so that it is reclaimed', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool);
  const labels = { ...pool.metadata.labels, [`${P}ippool-reclaim`]: 'true' };
  cluster.write({ verb: 'update', pool: { ...pool, metadata: { ...pool.metadata, labels } } });
  gone(cluster, app);
  assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
});

test('an application made anew does not take the pool that goes with its earlier life', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 0);
  cluster.allocate(POOL, 'old');
  run(cluster, application('app', { uid: '0-2' }), sized('2'), 0);
  assert.deepEqual(cluster.ipsOf('auto-app-v4-eth0-2'), ['10.6.0.12-10.6.0.13']);
  assert.notEqual(cluster.pools.get(POOL)?.metadata.deletionTimestamp, undefined);
});

test('a changed subnet: the application gets a pool of the new one at once, and keeps the old one while pods use it', () => {
  const cluster = new Cluster([
    subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'] }),
    subnetObject('t', { subnet: '10.7.0.0/16', ips: ['10.7.0.10-10.7.0.19'], gateway: '10.7.0.1' }),
  ]);
  run(cluster, app, sized('+1'), 2);
  cluster.allocate(POOL, 'old');
  const moved = { ...fromSubnet('t'), [`${P}ippool-ip-number`]: '+1' };
  assert.deepEqual(reasons(run(cluster, app, moved, 2)), ['ApplicationSubnetChanged']);
  assert.deepEqual(cluster.ipsOf(`${POOL}-2`), ['10.7.0.10-10.7.0.12']);
  assert.deepEqual([allocated(cluster, 's'), allocated(cluster, 't')], [3, 3]);
  cluster.release(POOL, '10.6.0.10');
  assert.deepEqual(reasons(run(cluster, app, moved, 2)), []);
  cluster.repair();
  assert.deepEqual([[...cluster.pools.keys()], allocated(cluster, 's')], [[`${POOL}-2`], 0]);
});

test('an application that no longer asks for a subnet loses its pool when no pod uses it', () => {
  const cluster = small();
  run(cluster, app, sized('+1'), 2);
  run(cluster, app, {}, 2);
  assert.equal(cluster.pools.size, 0);
});
