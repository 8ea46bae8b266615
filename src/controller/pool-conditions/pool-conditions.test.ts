import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool } from '#api';
import { overlapNote } from '#plan/ipam';
import type { Action } from '#reconcile';
import { TestCluster } from '#reconcile/testing';
import { addressKinds } from '../kinds.ts';
import { poolConditionsController } from './pool-conditions.ts';

const now = '2026-01-01T00:01:00Z';
const pool = (name: string, second: number, ips: string[], generation = 1): SpiderIPPool =>
  resources.spiderIPPools.schema.parse({
    metadata: { name, uid: name, generation, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { subnet: '10.6.0.0/16', ips },
  });

/** A cluster and its controller. `plan` plans and performs the actions. */
function scene() {
  const cluster = new TestCluster(addressKinds);
  const controller = poolConditionsController();
  const plan = async (): Promise<readonly Action[]> => {
    const actions = await controller.plan('pools', cluster.state, now, new AbortController().signal);
    cluster.perform(actions as readonly Action[]);
    return actions as readonly Action[];
  };
  return { cluster, plan };
}

test('a pool that overlaps is marked once, with an Event, and is free when the overlap is solved', async () => {
  const { cluster, plan } = scene();
  const planned = async () => (await plan()).map(({ verb, object }) => `${verb} ${object.metadata.name}`);
  const noteOf = (name: string) => overlapNote(cluster.state.pools.get(name, 'default') as SpiderIPPool);
  cluster.put('pools', pool('a', 1, ['10.6.0.1']), pool('b', 2, ['10.6.0.1']), pool('c', 3, ['10.6.0.3']));
  assert.deepEqual(await planned(), ['patch b', 'event b']);
  assert.match(noteOf('b') ?? '', /overlap with IPPool a in IP ranges \[10\.6\.0\.1\]/);
  assert.deepEqual(await planned(), [], 'nothing is written twice');
  cluster.put('pools', pool('a', 1, ['10.6.0.9'], 2));
  assert.deepEqual(await planned(), ['patch b', 'event b']);
  assert.equal(noteOf('b'), undefined);
  const conditions = cluster.state.pools.get('b', 'default')?.status?.conditions;
  assert.deepEqual(
    conditions?.map(({ status, reason }) => [status, reason]),
    [['False', 'Solved']],
  );
  assert.deepEqual(await planned(), []);
});

test('a pool without a free address is marked once, with an Event, and again when it has one', async () => {
  const { cluster, plan } = scene();
  const planned = async () =>
    (await plan()).map((action) => (action.verb === 'event' ? action.note.reason : action.verb));
  const put = (allocatedIPCount: number) => {
    const { status, ...rest } =
      cluster.state.pools.get('a', 'default') ?? pool('a', 1, ['10.6.0.1-10.6.0.2']);
    cluster.put('pools', { ...rest, status: { ...status, totalIPCount: 2, allocatedIPCount } });
  };
  put(1);
  assert.deepEqual(await planned(), []);
  put(2);
  assert.deepEqual(await planned(), ['patch', 'AllAddressesHeld']);
  const found = cluster.state.pools.get('a', 'default')?.status?.conditions?.[0];
  assert.deepEqual(
    [found?.type, found?.status, found?.message],
    ['Exhausted', 'True', 'pods hold all 2 addresses'],
  );
  assert.deepEqual(await planned(), []);
  put(1);
  assert.deepEqual(await planned(), ['patch', 'AddressesFree']);
  assert.deepEqual(await planned(), []);
});

test('only pools concern it', () => {
  const { state } = new TestCluster(addressKinds);
  const { concerns } = poolConditionsController();
  assert.deepEqual(concerns('pools', pool('a', 1, []), state), ['pools']);
  assert.deepEqual(concerns('pods', pool('a', 1, []), state), []);
});
