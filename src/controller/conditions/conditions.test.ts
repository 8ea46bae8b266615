import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, type Node, resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { overlapNote } from '#plan/ipam';
import type { Action } from '#reconcile';
import { TestCluster } from '#reconcile/testing';
import { addressKinds } from '../kinds.ts';
import { RecordChecks } from '../record-checks.ts';
import { conditionsController } from './conditions.ts';

const now = '2026-01-01T00:01:00Z';
const pool = (name: string, second: number, ips: string[], generation = 1): SpiderIPPool =>
  resources.spiderIPPools.schema.parse({
    metadata: { name, uid: name, generation, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { subnet: '10.6.0.0/16', ips },
  });
const subnet = (name: string, status: object = {}): SpiderSubnet =>
  resources.spiderSubnets.schema.parse({
    kind: 'SpiderSubnet',
    metadata: { name, uid: name },
    spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'] },
    status,
  });
const conditionOf = (object: SpiderIPPool | SpiderSubnet | undefined, type: string) => {
  const found = object?.status?.conditions?.find((condition) => condition.type === type);
  return found && [found.status, found.reason, found.message];
};

/** A cluster and its controller. `plan` plans all keys that are concerned, and performs the actions of each. */
function scene() {
  const cluster = new TestCluster(addressKinds);
  const controller = conditionsController(new RecordChecks());
  const waiting = new Set<string>();
  controller.outside?.((key) => waiting.add(key), cluster.state);
  let againAfterMs: number | undefined;
  const changed = (kind: 'nodes' | 'pools' | 'subnets', object: KubeObject) => {
    for (const key of controller.concerns(kind, object, cluster.state)) waiting.add(key);
  };
  const planKey = async (key: string, at = now): Promise<readonly Action[]> => {
    const planned = await controller.plan(key, cluster.state, at, new AbortController().signal);
    if (!('actions' in planned)) return planned;
    againAfterMs = Math.min(planned.againAfterMs, againAfterMs ?? planned.againAfterMs);
    return planned.actions;
  };
  const plan = async (at = now, gone?: SpiderIPPool): Promise<readonly Action[]> => {
    const all: Action[] = [];
    againAfterMs = undefined;
    for (const kind of ['nodes', 'pools', 'subnets'] as const)
      for (const object of cluster.state[kind].list()) changed(kind, object);
    if (gone !== undefined) changed('pools', gone);
    for (const key of waiting) {
      waiting.delete(key);
      const actions = await planKey(key, at);
      cluster.perform(actions);
      all.push(...actions);
    }
    return all;
  };
  const get = (name: string) => cluster.state.pools.get(name, 'default');
  return { cluster, plan, planKey, changed, waiting, get, again: () => againAfterMs };
}

test('a pool that overlaps is marked once, with an Event, and is free when the overlap is solved', async () => {
  const { cluster, plan } = scene();
  const planned = async () => (await plan()).map(({ verb, object }) => `${verb} ${object.metadata.name}`);
  const noteOf = (name: string) => overlapNote(cluster.state.pools.get(name, 'default') as SpiderIPPool);
  cluster.put('pools', pool('a', 1, ['10.6.0.1']), pool('b', 2, ['10.6.0.1']), pool('c', 3, ['10.6.0.3']));
  assert.deepEqual(await planned(), ['patch a', 'patch b', 'event b', 'patch c']);
  assert.deepEqual(conditionOf(cluster.state.pools.get('a', 'default'), 'Ready')?.[0], 'True');
  assert.match(noteOf('b') ?? '', /overlap with IPPool a in IP ranges \[10\.6\.0\.1\]/);
  assert.deepEqual(await planned(), [], 'nothing is written twice');
  cluster.put('pools', pool('a', 1, ['10.6.0.9'], 2));
  assert.deepEqual(await planned(), ['patch b', 'event b', 'patch a']);
  assert.equal(noteOf('b'), undefined);
  const conditions = cluster.state.pools.get('b', 'default')?.status?.conditions;
  assert.deepEqual(
    conditions?.map(({ status, reason }) => [status, reason]),
    [
      ['False', 'Solved'],
      ['True', 'Usable'],
    ],
  );
  assert.deepEqual(await planned(), []);
});

test('a change of one pool plans this pool, and others only if it concerns them', async () => {
  const { cluster, plan, planKey, changed, waiting, get } = scene();
  cluster.put('pools', pool('a', 1, ['10.6.0.1']), pool('b', 2, ['10.6.0.2']), pool('c', 3, ['10.6.0.3']));
  await plan();
  await plan();
  /** The keys that the change makes wait, and those that the plan of the pool adds. */
  const after = async (stored: SpiderIPPool) => {
    cluster.put('pools', stored);
    waiting.clear();
    changed('pools', stored);
    const first = [...waiting];
    waiting.clear();
    await planKey('pools default/a');
    return [first, [...waiting]];
  };
  const { status, ...rest } = get('a') as SpiderIPPool;
  const held = { ...rest, status: { ...status, allocatedIPCount: 1 } };
  assert.deepEqual(await after(held), [['pools default/a'], []]);
  const spec = { ...rest.spec, ips: ['10.6.0.2'] } as NonNullable<SpiderIPPool['spec']>;
  const metadata = { ...rest.metadata, generation: 2 };
  assert.deepEqual(await after({ metadata, spec, status }), [['pools default/a'], ['pools default/b']]);
});

test('a pool that is gone frees the addresses that others share with it', async () => {
  const { cluster, plan, get } = scene();
  cluster.put('pools', pool('a', 1, ['10.6.0.1']), pool('b', 2, ['10.6.0.1']));
  await plan();
  await plan();
  const gone = get('a') as SpiderIPPool;
  cluster.perform([{ verb: 'delete', type: resources.spiderIPPools, object: gone }]);
  await plan();
  assert.equal(conditionOf(get('b'), 'Overlapping')?.[0], 'True', 'nothing said that it is gone');
  await plan(now, gone);
  assert.equal(conditionOf(get('b'), 'Overlapping')?.[0], 'False');
  assert.equal(conditionOf(get('b'), 'Ready')?.[0], 'True');
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
  assert.deepEqual(await planned(), ['patch'], 'it is ready, which is no news');
  put(2);
  assert.deepEqual(await planned(), ['patch', 'AllAddressesHeld']);
  assert.deepEqual(conditionOf(cluster.state.pools.get('a', 'default'), 'Exhausted'), [
    'True',
    'AllAddressesHeld',
    'pods hold all 2 addresses',
  ]);
  assert.deepEqual(await planned(), []);
  put(1);
  assert.deepEqual(await planned(), ['patch', 'AddressesFree']);
  assert.deepEqual(await planned(), []);
});

test('a pool that other machines use is marked with their MAC addresses until the quarantine ends', async () => {
  const { cluster, plan, get, again } = scene();
  const seen = (until: string): Node => ({
    metadata: {
      name: 'n1',
      annotations: {
        'orbweaver.io/quarantine': JSON.stringify({
          '10.6.0.1': { mac: '02:00:00:00:00:01', until },
          '10.7.0.1': { mac: '02:00:00:00:00:02', until },
        }),
      },
    },
  });
  cluster.put('pools', pool('a', 1, ['10.6.0.1']), pool('b', 2, ['10.6.0.2']));
  cluster.put('subnets', subnet('s'));
  cluster.put('nodes', seen('2026-01-01T00:02:00Z'));
  await plan();
  const found = [
    'True',
    'AddressesOfOtherMachines',
    'other machines use 10.6.0.1 by 02:00:00:00:00:01 (seen from node n1)',
  ];
  assert.deepEqual(conditionOf(get('a'), 'Quarantined'), found);
  assert.equal(conditionOf(get('a'), 'Ready')?.[0], 'True', 'the other addresses can be used');
  assert.deepEqual(conditionOf(cluster.state.subnets.get('s', 'default'), 'Quarantined'), found);
  assert.equal(conditionOf(get('b'), 'Quarantined'), undefined);
  assert.equal(again(), 60_000);
  assert.deepEqual(await plan(), []);
  await plan('2026-01-01T00:02:00Z');
  assert.equal(conditionOf(get('a'), 'Quarantined')?.[0], 'False');
});

test('an annotation that makes no sense puts nothing into quarantine', async () => {
  const { cluster, plan, get } = scene();
  cluster.put('pools', pool('a', 1, ['10.6.0.1']));
  for (const text of [
    '{',
    '[]',
    '{"10.6.0.1":{}}',
    '{"10.6.0.1":{"mac":"<b>","until":"2027-01-01T00:00:00Z"}}',
  ]) {
    cluster.put('nodes', { metadata: { name: 'n1', annotations: { 'orbweaver.io/quarantine': text } } });
    await plan();
    assert.equal(conditionOf(get('a'), 'Quarantined'), undefined, text);
  }
});

test('Ready says why a pool serves nobody, and conditions of other programs stay', async () => {
  const { cluster, plan, get } = scene();
  const foreign = { type: 'example.com/Audited', status: 'True' as const, reason: 'Yes' };
  const put = (change: Partial<NonNullable<SpiderIPPool['spec']>>, status: object = {}, generation = 1) => {
    const { spec, ...rest } = pool('a', 1, ['10.6.0.1'], generation);
    const conditions = get('a')?.status?.conditions ?? [foreign];
    cluster.put('pools', {
      ...rest,
      spec: { ...spec, ...change } as NonNullable<SpiderIPPool['spec']>,
      status: { conditions, ...status },
    });
  };
  const readyAfter = async (at = now) => {
    await plan(at);
    assert.deepEqual(conditionOf(get('a'), foreign.type), ['True', 'Yes', undefined]);
    return conditionOf(get('a'), 'Ready')?.slice(0, 2);
  };
  put({ disable: true });
  assert.deepEqual(await readyAfter(), ['False', 'Disabled']);
  put({ ips: ['nonsense'] }, {}, 2);
  assert.deepEqual(await readyAfter(), ['False', 'Invalid']);
  put({}, {}, 3);
  assert.deepEqual(await readyAfter(), ['True', 'Usable']);
  put({}, { allocatedIPs: '{"10.6.0.1":7}' }, 3);
  assert.deepEqual(await readyAfter(), ['True', 'Usable'], 'records are parsed again after ten seconds');
  assert.deepEqual(await readyAfter('2026-01-01T00:01:10Z'), ['False', 'RecordsUnreadable']);
});

test('a condition is written only over the state that was seen, and a deleted pool keeps what it waits for', async () => {
  const { cluster, plan, get } = scene();
  const { metadata, ...rest } = pool('a', 1, ['nonsense']);
  cluster.put('pools', { ...rest, metadata: { ...metadata, resourceVersion: '7' } });
  const [write] = await plan();
  assert.deepEqual((write as { body?: { metadata?: unknown } }).body?.metadata, { resourceVersion: '7' });
  const ending = { ...metadata, name: 'b', uid: 'b', deletionTimestamp: now };
  cluster.put('pools', { ...rest, metadata: ending });
  await plan();
  assert.equal(conditionOf(get('b'), 'Ready'), undefined);
});

test('a subnet says whether pools can be made of it, and whether all its addresses are in pools', async () => {
  const { cluster, plan } = scene();
  const now = () => cluster.state.subnets.get('s', 'default');
  cluster.put('subnets', subnet('s', { totalIPCount: 9, allocatedIPCount: 9 }));
  await plan();
  assert.deepEqual(conditionOf(now(), 'Exhausted'), [
    'True',
    'AllAddressesHeld',
    'pools have all 9 addresses',
  ]);
  assert.equal(conditionOf(now(), 'Ready')?.[0], 'True');
  cluster.put('subnets', subnet('s', { controlledIPPools: '{' }));
  await plan();
  assert.deepEqual(conditionOf(now(), 'Ready')?.slice(0, 2), ['False', 'Invalid']);
  assert.match(conditionOf(now(), 'Ready')?.[2] ?? '', /controlledIPPools/);
  const { conditions } = now()?.status ?? {};
  cluster.put('subnets', subnet('s', { controlledIPPools: '{}', conditions }));
  await plan();
  assert.equal(conditionOf(now(), 'Ready')?.[0], 'True');
});

test('of two subnets of one network the younger one is not ready until the other is gone', async () => {
  const { cluster, plan } = scene();
  const at = (name: string) => cluster.state.subnets.get(name, 'default') as SpiderSubnet;
  const made = (name: string, second: number): SpiderSubnet => {
    const { metadata, ...rest } = subnet(name);
    return { ...rest, metadata: { ...metadata, creationTimestamp: `2026-01-01T00:00:0${second}Z` } };
  };
  cluster.put('subnets', made('s', 1), made('t', 2));
  const planned = async () =>
    (await plan()).map((action) => (action.verb === 'event' ? action.note.reason : action.verb));
  assert.deepEqual(await planned(), ['patch', 'patch', 'NetworkOfAnotherSubnet']);
  assert.deepEqual(conditionOf(at('s'), 'Ready'), ['True', 'Usable', 'pools can get addresses']);
  assert.equal(conditionOf(at('s'), 'Overlapping'), undefined);
  const message =
    "overlap with Subnet s which 'spec.subnet' is 10.6.0.0/16: no IPPool gets new addresses of this Subnet until this is solved";
  assert.deepEqual(conditionOf(at('t'), 'Overlapping'), ['True', 'NetworkOfAnotherSubnet', message]);
  assert.deepEqual(conditionOf(at('t'), 'Ready'), ['False', 'Overlapping', message]);
  assert.deepEqual(await planned(), []);
  const { spec, metadata, ...rest } = at('s');
  cluster.put('subnets', {
    ...rest,
    metadata: { ...metadata, generation: 2 },
    spec: { ...spec, subnet: '10.7.0.0/16', ips: [] } as NonNullable<SpiderSubnet['spec']>,
  });
  assert.deepEqual(await planned(), ['patch', 'Solved']);
  assert.equal(conditionOf(at('t'), 'Ready')?.[0], 'True');
});

test('a pool of another network makes its subnet tell of it, and the subnet stays ready', async () => {
  const { cluster, plan } = scene();
  cluster.put('subnets', subnet('s'));
  await plan();
  const { spec, ...rest } = pool('p', 1, ['10.6.0.3']);
  cluster.put('pools', {
    ...rest,
    spec: { ...spec, subnet: '10.6.0.0/24' } as NonNullable<SpiderIPPool['spec']>,
  });
  await plan();
  const stored = cluster.state.subnets.get('s', 'default');
  assert.deepEqual(conditionOf(stored, 'Overlapping')?.slice(0, 2), ['True', 'AddressesOfAnotherPool']);
  assert.match(conditionOf(stored, 'Overlapping')?.[2] ?? '', /IPPool p in IP ranges \[10\.6\.0\.3\]/);
  assert.equal(conditionOf(stored, 'Ready')?.[0], 'True');
  assert.equal(conditionOf(cluster.state.pools.get('p', 'default'), 'Ready')?.[0], 'True');
});
