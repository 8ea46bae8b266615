// Pods that ask for subnets before any controller has made their pools: the agents do it.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Pod, resources, type SpiderIPPool } from '#api';
import { isOrbError, OrbError, silentLogger } from '#base';
import type { FakeKube } from '#kube/testing';
import type { Allocator } from './allocator.ts';
import { add, agent, cluster, createPool, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const P = 'ipam.spidernet.io/';
const UID = 'c8f2a0d4-0d2b-4a3e-9f5c-b1a361c7e9df';
const ETH0 = 'auto-app-v4-eth0-b1a361c7e9df';
const NET1 = 'auto-app-v4-net1-b1a361c7e9df';
const ONE_NIC = { [`${P}subnet`]: '{"ipv4":["s6"]}', [`${P}ippool-ip-number`]: '+1' };
const TWO_NICS = {
  [`${P}subnets`]: '[{"interface":"eth0","ipv4":["s6"]},{"interface":"net1","ipv4":["s7"]}]',
  [`${P}ippool-ip-number`]: '+1',
  'k8s.v1.cni.cncf.io/networks': 'san',
};

/** A cluster with two subnets of ten addresses, and a Deployment with its ReplicaSet. */
async function stage(replicas: number): Promise<FakeKube> {
  const kube = await cluster({});
  for (const number of [6, 7]) {
    await kube.create(resources.spiderSubnets, {
      metadata: { name: `s${number}` },
      spec: {
        ipVersion: 4,
        subnet: `10.${number}.0.0/16`,
        ips: [`10.${number}.168.171-10.${number}.168.180`],
        gateway: `10.${number}.0.1`,
      },
    });
  }
  const template = { metadata: { annotations: {} }, spec: { containers: [] } };
  const spec = { selector: {}, template, replicas };
  const place = { namespace: 'default' };
  await kube.create(resources.deployments, { metadata: { ...place, name: 'app', uid: UID }, spec });
  const { uid } = await kube
    .get(resources.deployments, { ...place, name: 'app' })
    .then((made) => made.metadata);
  assert.equal(uid, UID);
  const ownerReferences = [owner('apps/v1', 'Deployment', 'app', UID)];
  await kube.create(resources.replicaSets, { metadata: { ...place, name: 'app-1', ownerReferences }, spec });
  return kube;
}

function owner(apiVersion: string, kind: string, name: string, uid: string) {
  return { apiVersion, kind, name, uid, controller: true };
}

async function podOf(kube: FakeKube, name: string, annotations: Record<string, string>): Promise<Pod> {
  const set = await kube.get(resources.replicaSets, { namespace: 'default', name: 'app-1' });
  const ownerReferences = [owner('apps/v1', 'ReplicaSet', 'app-1', set.metadata.uid ?? '')];
  const metadata = { name, namespace: 'default', annotations, ownerReferences };
  return kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
}

async function scale(kube: FakeKube, replicas: number): Promise<void> {
  const ref = { namespace: 'default', name: 'app' };
  await kube.patch(resources.deployments, ref, { type: 'merge', body: { spec: { replicas } } });
}

function pool(kube: FakeKube, name: string): Promise<SpiderIPPool> {
  return kube.get(resources.spiderIPPools, { name });
}

async function sizes(kube: FakeKube, name: string): Promise<unknown[]> {
  const { spec, status } = await pool(kube, name);
  return [spec?.ips, status?.totalIPCount, status?.allocatedIPCount];
}

test('a pod that is faster than the controller gets its address: the agent makes the pools of all its interfaces', async () => {
  const kube = await stage(2);
  const allocator = await agent(kube);
  await podOf(kube, 'a', TWO_NICS);
  assert.deepEqual(texts(await allocator.allocate(add('a'))), [
    'eth0 10.6.168.171/16',
    'net1 10.7.168.171/16',
  ]);
  assert.deepEqual(await sizes(kube, ETH0), [['10.6.168.171-10.6.168.173'], 3, 1]);
  assert.deepEqual(await sizes(kube, NET1), [['10.7.168.171-10.7.168.173'], 3, 1]);
  const { status } = await kube.get(resources.spiderSubnets, { name: 's6' });
  assert.deepEqual(JSON.parse(status?.controlledIPPools ?? ''), {
    [ETH0]: { ips: ['10.6.168.171-10.6.168.173'], application: 'apps_v1_Deployment_default_app' },
  });
  assert.deepEqual([status?.totalIPCount, status?.allocatedIPCount], [10, 3]);
});

test('the next pods of the application read no subnet, and write nothing but their addresses', async () => {
  const kube = await stage(3);
  const allocator = await agent(kube);
  await podOf(kube, 'a', TWO_NICS);
  await podOf(kube, 'b', TWO_NICS);
  await allocator.allocate(add('a'));
  const before = kube.calls.length;
  await allocator.allocate(add('b'));
  const made = kube.calls.slice(before).filter(({ verb }) => verb !== 'watch');
  assert.deepEqual(
    made
      .filter(({ plural }) => plural !== 'spiderendpoints')
      .map(({ verb, name }) => `${verb} ${name}`)
      .sort(),
    [`updateStatus ${ETH0}`, `updateStatus ${NET1}`],
  );
});

test('a pool that is too small after a scale-up grows with the first pod that finds no address', async () => {
  const kube = await stage(1);
  const allocator = await agent(kube);
  for (const name of ['a', 'b', 'c', 'd']) await podOf(kube, name, ONE_NIC);
  await allocator.allocate(add('a'));
  await allocator.allocate(add('b'));
  await assert.rejects(allocator.allocate(add('c')), (error) => isOrbError(error, 'IPPOOL_EXHAUSTED'));
  await scale(kube, 3);
  assert.deepEqual(texts(await allocator.allocate(add('c'))), ['eth0 10.6.168.173/16']);
  assert.deepEqual(texts(await allocator.allocate(add('d'))), ['eth0 10.6.168.174/16']);
  assert.deepEqual(await sizes(kube, ETH0), [['10.6.168.171-10.6.168.174'], 4, 4]);
});

test('pods on several nodes at once share one pool of exact size', async () => {
  const kube = await stage(9);
  const agents = await Promise.all([agent(kube), agent(kube), agent(kube)]);
  const names = Array.from({ length: 9 }, (_, index) => `p${index}`);
  for (const name of names) await podOf(kube, name, TWO_NICS);
  const got = await Promise.all(
    names.map(async (name, index) => texts(await (agents[index % 3] as Allocator).allocate(add(name)))),
  );
  assert.equal(new Set(got.flat()).size, 18);
  const pools = (await kube.list(resources.spiderIPPools)).items;
  assert.deepEqual(pools.map(({ metadata }) => metadata.name).sort(), [ETH0, NET1]);
  assert.deepEqual(await sizes(kube, ETH0), [['10.6.168.171-10.6.168.180'], 10, 9]);
});

test('a pod that only has the labels of an application gets no address of its pool', async () => {
  const kube = await stage(1);
  const allocator = await agent(kube);
  await podOf(kube, 'a', ONE_NIC);
  await allocator.allocate(add('a'));
  const labels = (await pool(kube, ETH0)).spec?.podAffinity?.matchLabels ?? {};
  assert.equal(labels[`${P}app-name`], 'app');
  const metadata = { name: 'thief', namespace: 'default', labels };
  await kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
  await assert.rejects(
    allocator.allocate(add('thief', { ipam: { default_ipv4_ippool: [ETH0] } })),
    /unmatched Pod selector/,
  );
});

test('what cannot be served is said, and leaves nothing behind', async () => {
  const kube = await stage(30);
  const allocator = await agent(kube);
  await podOf(kube, 'many', ONE_NIC);
  await podOf(kube, 'unknown', { [`${P}subnet`]: '{"ipv4":["none"]}' });
  await podOf(kube, 'wrong', { [`${P}subnet`]: '{"ipv4":[]}' });
  const metadata = { name: 'alone', namespace: 'default', annotations: ONE_NIC };
  await kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
  await assert.rejects(
    allocator.allocate(add('many')),
    /insufficient subnet FreeIPs, required '31' but only left '10'/,
  );
  await assert.rejects(allocator.allocate(add('unknown')), /failed to get SpiderSubnet none/);
  await assert.rejects(allocator.allocate(add('wrong')), /dual empty subnet/);
  await assert.rejects(allocator.allocate(add('alone')), /doesn't support no-controller pod/);
  assert.equal((await kube.list(resources.spiderIPPools)).items.length, 0);
});

test('a pod of an application that is gone gets no pool', async () => {
  const kube = await stage(1);
  const allocator = await agent(kube);
  await podOf(kube, 'a', ONE_NIC);
  await kube.delete(resources.deployments, { namespace: 'default', name: 'app' });
  await assert.rejects(allocator.allocate(add('a')), /Deployment default\/app is gone/);
});

test('the pods of a controller of a third party get a pool of the number that they ask for', async () => {
  const kube = await stage(1);
  const allocator = await agent(kube);
  const annotations = { ...ONE_NIC, [`${P}ippool-ip-number`]: '2' };
  const ownerReferences = [owner('argoproj.io/v1alpha1', 'Rollout', 'app', `0-${UID}`)];
  const metadata = { name: 'a', namespace: 'default', annotations, ownerReferences };
  await kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
  assert.deepEqual(texts(await allocator.allocate(add('a'))), ['eth0 10.6.168.171/16']);
  assert.deepEqual(await sizes(kube, ETH0), [['10.6.168.171-10.6.168.172'], 2, 1]);
});

test('a pool that somebody deletes is made again for the next pod', async () => {
  const kube = await stage(2);
  const allocator = await agent(kube);
  await podOf(kube, 'a', ONE_NIC);
  await allocator.allocate(add('a'));
  const { metadata } = await pool(kube, ETH0);
  await kube.update(resources.spiderIPPools, {
    ...(await pool(kube, ETH0)),
    metadata: { ...metadata, finalizers: [] },
  });
  await kube.delete(resources.spiderIPPools, { name: ETH0 });
  await podOf(kube, 'b', ONE_NIC);
  await allocator.allocate(add('b'));
  assert.equal(Object.keys(await records(kube, ETH0)).length, 1);
});

test('I00024 with automatic pools switched off, the annotation is not read, and no pool is made', async () => {
  const kube = await stage(2);
  await createPool(kube, 'v4', { ips: ['10.6.1.1-10.6.1.9'] });
  const warned: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warned.push(message) };
  const automaticPools = { enabled: false, spareAddresses: 0 };
  const allocator = await agent(kube, { automaticPools, log });
  await podOf(kube, 'a', ONE_NIC);
  assert.deepEqual(texts(await allocator.allocate(add('a'))), ['eth0 10.6.1.1/16']);
  assert.deepEqual(warned, ['automatic pools are switched off: the annotations for subnets are not read']);
  const { items } = await kube.list(resources.spiderIPPools);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['v4'],
  );
});

test('without a number, a pool gets the spare addresses of the configuration', async () => {
  const kube = await stage(2);
  const allocator = await agent(kube, { automaticPools: { enabled: true, spareAddresses: 3 } });
  await podOf(kube, 'a', { [`${P}subnet`]: '{"ipv4":["s6"]}' });
  await allocator.allocate(add('a'));
  assert.deepEqual(await sizes(kube, ETH0), [['10.6.168.171-10.6.168.175'], 5, 1]);
});

test('applications that start at the same time share the writes of their subnet, and none waits for one that fails', async () => {
  const kube = await stage(1);
  const allocator = await agent(kube);
  const names = Array.from({ length: 5 }, (_, i) => `other-${i}`);
  const place = { namespace: 'default' };
  for (const name of names) {
    const spec = { selector: {}, template: { metadata: {}, spec: { containers: [] } }, replicas: 1 };
    const { metadata } = await kube.create(resources.statefulSets, { metadata: { ...place, name }, spec });
    const ownerReferences = [owner('apps/v1', 'StatefulSet', name, metadata.uid ?? '')];
    await kube.create(resources.pods, {
      metadata: { ...place, name, annotations: ONE_NIC, ownerReferences },
      spec: { nodeName: 'node1', containers: [] },
    });
  }
  kube.before = ({ verb, plural, name }) => {
    if (verb === 'create' && plural === 'spiderippools' && name.includes('other-3'))
      throw new OrbError('KUBE_INVALID', { message: 'a webhook refuses this pool' });
  };
  const results = await Promise.allSettled(names.map((name) => allocator.allocate(add(name))));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  );
  // One for the bookings of all, and one that says which pools are there.
  assert.ok(
    kube.count('updateStatus', 'spidersubnets') <= 3,
    String(kube.count('updateStatus', 'spidersubnets')),
  );
  const { status } = await kube.get(resources.spiderSubnets, { name: 's6' });
  assert.equal(status?.allocatedIPCount, 8, 'two for each application that has a pool');
});
