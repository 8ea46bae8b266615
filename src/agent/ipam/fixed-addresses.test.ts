// Fixed addresses: those of a StatefulSet's ordinals and of virtual machines outlive their pods.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { foreignResources, type Pod, resources } from '#api';
import { OrbError } from '#base';
import type { FakeKube } from '#kube/testing';
import type { Allocator } from './allocator.ts';
import { add, agent, cluster, del, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const pools = { v4: { ips: ['10.6.1.1-10.6.1.9'] }, more: { ips: ['10.6.2.1-10.6.2.9'] } };
const ippool = (...ipv4: string[]) => ({ 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4 }) });

interface Owned {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly owner?: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly nodeName?: string;
}

/** A pod of StatefulSet `db`, unless said otherwise. */
function owned(kube: FakeKube, name: string, more: Owned = {}): Promise<Pod> {
  const {
    kind = 'StatefulSet',
    apiVersion = 'apps/v1',
    owner = 'db',
    nodeName = 'node1',
    ...metadata
  } = more;
  const ownerReferences = [{ apiVersion, kind, name: owner, uid: `uid of ${owner}`, controller: true }];
  return kube.create(resources.pods, {
    metadata: { name, namespace: 'default', ownerReferences, ...metadata },
    spec: { nodeName, containers: [] },
  });
}

async function statefulSet(kube: FakeKube, spec: object = { replicas: 3 }): Promise<void> {
  const all = { selector: {}, template: {}, ...spec };
  await kube.create(resources.statefulSets, { metadata: { name: 'db', namespace: 'default' }, spec: all });
}

function scale(kube: FakeKube, replicas: number) {
  const patch = { type: 'merge', body: { spec: { replicas } } } as const;
  return kube.patch(resources.statefulSets, { namespace: 'default', name: 'db' }, patch);
}

/** Ends the pod as the kubelet does: DEL first, then the object. */
async function end(kube: FakeKube, allocator: Allocator, { metadata }: Pod): Promise<void> {
  await allocator.release(del(metadata.name ?? '', metadata.uid ?? ''));
  await kube.delete(resources.pods, { namespace: 'default', name: metadata.name ?? '' });
}

async function holders(kube: FakeKube, pool = 'v4'): Promise<string[]> {
  return Object.entries(await records(kube, pool)).map(
    ([address, { pod, nic }]) => `${address} ${pod} ${nic}`,
  );
}

test('the next pod of a StatefulSet’s ordinal gets its address, on another node and with another image', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2', addressRestMs: 0 })];
  const first = await owned(kube, 'db-1', { labels: { image: 'a' } });
  assert.deepEqual(texts(await one.allocate(add('db-1'))), ['eth0 10.6.1.1/16']);
  await end(kube, one, first);
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-1 eth0']);
  await owned(kube, 'other', { kind: 'ReplicaSet' });
  assert.deepEqual(texts(await one.allocate(add('other'))), ['eth0 10.6.1.2/16'], 'nobody else gets it');
  const next = await owned(kube, 'db-1', { labels: { image: 'b' }, nodeName: 'node2' });
  const allocation = await two.allocate(add('db-1'));
  assert.deepEqual(texts(allocation), ['eth0 10.6.1.1/16']);
  assert.equal(allocation.fixed, true);
  assert.equal((await records(kube))['10.6.1.1']?.podUid, next.metadata.uid);
  await one.release(del('db-1', first.metadata.uid ?? ''));
  assert.equal((await records(kube))['10.6.1.1']?.podUid, next.metadata.uid, 'a late DEL releases nothing');
});

/** From now on, no watch of pools delivers anything. */
function breakWatchesOfPools(kube: FakeKube): void {
  kube.before = ({ verb, plural }) => {
    if (verb !== 'watch' && verb !== 'list') return;
    if (plural === 'spiderippools') throw new OrbError('KUBE_UNREACHABLE', { message: 'connection reset' });
  };
  kube.breakWatches();
}

test('an agent whose watch is broken finds the address that a StatefulSet’s pod had on another node', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] }, more: { ips: ['10.6.2.1-10.6.2.9'] } });
  await statefulSet(kube);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  const [one, two] = [await agent(kube, { addressRestMs: 0 }), await agent(kube, { nodeName: 'node2' })];
  const both = { ipam: { default_ipv4_ippool: ['v4', 'more'] } };
  const other = await owned(kube, 'other', { kind: 'ReplicaSet' });
  assert.deepEqual(texts(await one.allocate(add('other', both))), ['eth0 10.6.1.1/16']);
  await two.settled();
  // What the second agent sees from now on: `other` holds the only address of the first pool.
  breakWatchesOfPools(kube);
  await end(kube, one, other);
  const first = await owned(kube, 'db-1');
  assert.deepEqual(texts(await one.allocate(add('db-1', both))), ['eth0 10.6.1.1/16']);
  await end(kube, one, first);
  await owned(kube, 'db-1', { nodeName: 'node2' });
  assert.deepEqual(texts(await two.allocate(add('db-1', both))), ['eth0 10.6.1.1/16']);
});

test('an agent that takes a pool for disabled by a broken watch finds the fixed address in it', async () => {
  const kube = await cluster({ ...pools, v4: { ips: ['10.6.1.1-10.6.1.9'], disable: true } });
  await statefulSet(kube);
  const allocator = await agent(kube);
  breakWatchesOfPools(kube);
  const record = { '10.6.1.5': { pod: 'default/db-1', podUid: 'of the pod before', nic: 'eth0' } };
  const status = { allocatedIPs: JSON.stringify(record), allocatedIPCount: 1 };
  const ref = { name: 'v4' };
  await kube.patch(resources.spiderIPPools, ref, { type: 'merge', body: { spec: { disable: false } } });
  await kube.patch(resources.spiderIPPools, ref, { type: 'merge', body: { status }, subresource: 'status' });
  await owned(kube, 'db-1');
  const both = { ipam: { default_ipv4_ippool: ['v4', 'more'] } };
  assert.deepEqual(texts(await allocator.allocate(add('db-1', both))), ['eth0 10.6.1.5/16']);
});

test('an agent whose watch shows an old fixed address finds the newer one in another pool', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const record = (podUid: string) => ({ pod: 'default/db-1', podUid, nic: 'eth0' });
  const records = (allocatedIPs: object) => ({
    type: 'merge' as const,
    subresource: 'status' as const,
    body: { status: { allocatedIPs: JSON.stringify(allocatedIPs) } },
  });
  await kube.patch(resources.spiderIPPools, { name: 'more' }, records({ '10.6.2.1': record('first') }));
  const allocator = await agent(kube);
  breakWatchesOfPools(kube);
  await kube.patch(resources.spiderIPPools, { name: 'more' }, records({}));
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, records({ '10.6.1.2': record('second') }));
  await owned(kube, 'db-1');
  const both = { ipam: { default_ipv4_ippool: ['more', 'v4'] } };
  assert.deepEqual(texts(await allocator.allocate(add('db-1', both))), ['eth0 10.6.1.2/16']);
});

test('the SpiderEndpoint of a fixed address has no owner, outlives the pod, and shows the next one', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const ref = { namespace: 'default', name: 'db-0' };
  const first = await owned(kube, 'db-0');
  await allocator.allocate(add('db-0'));
  await allocator.settled();
  assert.equal((await kube.get(resources.spiderEndpoints, ref)).metadata.ownerReferences, undefined);
  await end(kube, allocator, first);
  await allocator.settled();
  assert.equal((await kube.get(resources.spiderEndpoints, ref)).status?.current.ips[0]?.ipv4, '10.6.1.1/16');
  const next = await owned(kube, 'db-0');
  await allocator.allocate(add('db-0'));
  await allocator.settled();
  assert.equal((await kube.get(resources.spiderEndpoints, ref)).status?.current.uid, next.metadata.uid);
});

const givenUp: [why: string, change: (kube: FakeKube) => Promise<unknown>, ordinal: number, spec?: object][] =
  [
    ['it was scaled down', (kube) => scale(kube, 2), 2],
    [
      'it was deleted',
      (kube) => kube.delete(resources.statefulSets, { namespace: 'default', name: 'db' }),
      0,
    ],
    [
      'ordinals.start is higher than before',
      (kube) => {
        const patch = { type: 'merge', body: { spec: { ordinals: { start: 5 } } } } as const;
        return kube.patch(resources.statefulSets, { namespace: 'default', name: 'db' }, patch);
      },
      4,
    ],
  ];
for (const [why, change, ordinal] of givenUp) {
  test(`a StatefulSet’s address is given up at the end of its pod when the StatefulSet has no such pod any more: ${why}`, async () => {
    const kube = await cluster(pools);
    await statefulSet(kube, { replicas: 5 });
    const allocator = await agent(kube);
    const made = await owned(kube, `db-${ordinal}`);
    await allocator.allocate(add(`db-${ordinal}`));
    await allocator.settled();
    await change(kube);
    await end(kube, allocator, made);
    assert.deepEqual(await holders(kube), []);
    await allocator.settled();
    const ref = { namespace: 'default', name: `db-${ordinal}` };
    await assert.rejects(kube.get(resources.spiderEndpoints, ref), { code: 'KUBE_NOT_FOUND' });
  });
}

test('ordinals.start counts: the last pod keeps its address, and the one behind it does not', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube, { replicas: 2, ordinals: { start: 10 } });
  const allocator = await agent(kube);
  for (const name of ['db-11', 'db-12', 'db-9']) {
    const made = await owned(kube, name);
    await allocator.allocate(add(name));
    await end(kube, allocator, made);
  }
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-11 eth0']);
});

for (const [what, more, settings] of [
  ['of a third party, also if its kind is StatefulSet', { apiVersion: 'apps.kruise.io/v1' }, {}],
  ['of a Deployment', { kind: 'ReplicaSet' }, {}],
  ['of a StatefulSet, with the feature switched off', {}, { fixedForStatefulSets: false }],
] as const) {
  test(`the address of a pod ${what}, is not fixed`, async () => {
    const kube = await cluster(pools);
    await statefulSet(kube);
    const allocator = await agent(kube, settings);
    const made = await owned(kube, 'db-0', more);
    assert.equal((await allocator.allocate(add('db-0'))).fixed, undefined);
    await end(kube, allocator, made);
    assert.deepEqual(await holders(kube), []);
  });
}

test('a DEL that comes after pod and agent are gone keeps the address: the endpoint tells the StatefulSet, or else the name', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const before = await agent(kube);
  const made = await owned(kube, 'db-0');
  await before.allocate(add('db-0'));
  await before.settled();
  await kube.delete(resources.pods, { namespace: 'default', name: 'db-0' });
  const after = await agent(kube);
  const request = del('db-0', made.metadata.uid ?? '');
  await after.release(request);
  await kube.delete(resources.spiderEndpoints, { namespace: 'default', name: 'db-0' });
  await after.release(request);
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-0 eth0']);
  await scale(kube, 0);
  await after.release(request);
  assert.deepEqual(await holders(kube), []);
});

test('a pod that only has the name of an ordinal leaves nothing, also when its object is gone', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const made = await owned(kube, 'db-1', { kind: 'Job', apiVersion: 'batch/v1' });
  await allocator.allocate(add('db-1'));
  await allocator.settled();
  await kube.delete(resources.pods, { namespace: 'default', name: 'db-1' });
  await (await agent(kube)).release(del('db-1', made.metadata.uid ?? ''));
  assert.deepEqual(await holders(kube), []);
});

test('a DEL fails while the server does not show the StatefulSet, so that it is kept and repeated', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const made = await owned(kube, 'db-0');
  await allocator.allocate(add('db-0'));
  kube.before = ({ plural }) => {
    if (plural === 'statefulsets') throw new OrbError('KUBE_UNREACHABLE', { message: 'etcd is away' });
  };
  const request = del('db-0', made.metadata.uid ?? '');
  await assert.rejects(allocator.release(request), { code: 'KUBE_UNREACHABLE' });
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-0 eth0']);
});

test('A00009 other pools in the annotation: the next pod gets an address of these, and the old one is free', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const first = await owned(kube, 'db-0', { annotations: ippool('v4') });
  await allocator.allocate(add('db-0'));
  await end(kube, allocator, first);
  await owned(kube, 'db-0', { annotations: ippool('more') });
  assert.deepEqual(texts(await allocator.allocate(add('db-0'))), ['eth0 10.6.2.1/16']);
  assert.deepEqual(await holders(kube), []);
  assert.deepEqual(await holders(kube, 'more'), ['10.6.2.1 default/db-0 eth0']);
});

test('L00008 a fixed address of any candidate pool is kept, also if another pool stands first or the pool is disabled', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const first = await owned(kube, 'db-0', { annotations: ippool('v4') });
  await allocator.allocate(add('db-0'));
  await end(kube, allocator, first);
  const disabled = { type: 'merge', body: { spec: { disable: true } } } as const;
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, disabled);
  await owned(kube, 'db-0', { annotations: ippool('more', 'v4') });
  assert.deepEqual(texts(await allocator.allocate(add('db-0'))), ['eth0 10.6.1.1/16']);
});

test('a pool that does not serve the new node does not keep its fixed address there', async () => {
  const kube = await cluster({ ...pools, v4: { ...pools.v4, nodeName: ['node1'] } });
  await statefulSet(kube);
  const one = await agent(kube);
  const first = await owned(kube, 'db-0', { annotations: ippool('v4', 'more') });
  await one.allocate(add('db-0'));
  await end(kube, one, first);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await owned(kube, 'db-0', { annotations: ippool('v4', 'more'), nodeName: 'node2' });
  const two = await agent(kube, { nodeName: 'node2' });
  assert.deepEqual(texts(await two.allocate(add('db-0'))), ['eth0 10.6.2.1/16']);
  assert.deepEqual(await holders(kube), []);
});

test('a requested address replaces the fixed one, and is fixed then', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const asks = (address: string) => ({ 'ipam.orbweaver.io/ips': JSON.stringify({ eth0: address }) });
  let made = await owned(kube, 'db-0');
  await allocator.allocate(add('db-0'));
  for (const annotations of [asks('10.6.1.5'), asks('10.6.1.5'), {}]) {
    await end(kube, allocator, made);
    made = await owned(kube, 'db-0', { annotations });
    assert.deepEqual(texts(await allocator.allocate(add('db-0'))), ['eth0 10.6.1.5/16']);
    assert.deepEqual(await holders(kube), ['10.6.1.5 default/db-0 eth0']);
  }
});

test('A00017 each NIC of a StatefulSet’s pod gets its own fixed address again, all of one pool', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  const networks = { 'k8s.v1.cni.cncf.io/networks': 'a,b' };
  const first = await owned(kube, 'db-0', { annotations: networks });
  for (const interfaceName of ['net2', 'eth0', 'net1'])
    await allocator.allocate(add('db-0', { interfaceName }));
  const before = await holders(kube);
  await end(kube, allocator, first);
  await owned(kube, 'db-0', { annotations: networks });
  for (const interfaceName of ['eth0', 'net1', 'net2'])
    await allocator.allocate(add('db-0', { interfaceName }));
  assert.deepEqual(await holders(kube), before);
});

test('a fixed address that Spiderpool recorded is taken over with its NIC', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const pool = await kube.get(resources.spiderIPPools, { name: 'v4' });
  const allocatedIPs = JSON.stringify({ '10.6.1.7': { pod: 'default/db-0', podUid: 'old' } });
  await kube.updateStatus(resources.spiderIPPools, { ...pool, status: { allocatedIPs } as never });
  const allocator = await agent(kube);
  await owned(kube, 'db-0');
  assert.deepEqual(texts(await allocator.allocate(add('db-0'))), ['eth0 10.6.1.7/16']);
  assert.deepEqual(await holders(kube), ['10.6.1.7 default/db-0 eth0']);
});

test('a fixed address whose record is gone is recorded again, or replaced when another pod has it', async () => {
  const kube = await cluster(pools);
  await statefulSet(kube);
  const allocator = await agent(kube);
  for (const ordinal of ['db-0', 'db-1']) {
    const first = await owned(kube, ordinal);
    await allocator.allocate(add(ordinal));
    await end(kube, allocator, first);
  }
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-0 eth0', '10.6.1.2 default/db-1 eth0']);
  const pool = await kube.get(resources.spiderIPPools, { name: 'v4' });
  const allocatedIPs = JSON.stringify({ '10.6.1.1': { pod: 'default/web', podUid: 'w', nic: 'eth0' } });
  await kube.updateStatus(resources.spiderIPPools, { ...pool, status: { ...pool.status, allocatedIPs } });
  for (const ordinal of ['db-0', 'db-1']) {
    await owned(kube, ordinal);
    await allocator.allocate(add(ordinal));
  }
  const held = await holders(kube);
  assert.ok(held.includes('10.6.1.1 default/web eth0'), held.join());
  assert.deepEqual(held.filter((text) => text.includes('db-')).length, 2, held.join());
  assert.equal(new Set(held.map((text) => text.split(' ')[0])).size, 3);
});

test('a failed ADD does not lose the fixed address', async () => {
  const kube = await cluster({ ...pools, v6: { subnet: 'fd00::/64', ips: ['fd00::1'] } });
  await statefulSet(kube);
  const allocator = await agent(kube);
  const first = await owned(kube, 'db-0');
  await allocator.allocate(add('db-0'));
  await end(kube, allocator, first);
  await owned(kube, 'db-0');
  kube.before = ({ verb, name }) => {
    if (verb === 'updateStatus' && name === 'v6') throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  const dual = add('db-0', { ipam: { default_ipv6_ippool: ['v6'] } });
  await assert.rejects(allocator.allocate(dual), { code: 'KUBE_UNREACHABLE' });
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/db-0 eth0']);
});

const vm = {
  ...{ kind: 'VirtualMachineInstance', apiVersion: 'kubevirt.io/v1', owner: 'vm' },
  labels: { 'kubevirt.io': 'virt-launcher' },
} as const;
const target = { ...vm, annotations: { 'kubevirt.io/migrationJobName': 'job' }, nodeName: 'node2' } as const;
const machine = { namespace: 'default', name: 'vm' };
const instances = foreignResources.virtualMachineInstances;

test('F00001 a restarted virtual machine gets its address again, and loses it when it is deleted', async () => {
  const kube = await cluster(pools);
  await kube.create(foreignResources.virtualMachines, { metadata: machine });
  await kube.create(instances, { metadata: machine });
  const allocator = await agent(kube);
  const first = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  await allocator.allocate(add('virt-launcher-vm-aaaaa'));
  await kube.delete(instances, machine);
  await end(kube, allocator, first);
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/vm eth0']);
  await kube.create(instances, { metadata: machine });
  const next = await owned(kube, 'virt-launcher-vm-bbbbb', vm);
  const again = await allocator.allocate(add('virt-launcher-vm-bbbbb'));
  assert.deepEqual(texts(again), ['eth0 10.6.1.1/16']);
  assert.equal(again.shared, undefined, 'its address is probed as usual');
  await allocator.settled();
  assert.equal((await kube.get(resources.spiderEndpoints, machine)).status?.current.uid, next.metadata.uid);
  await kube.delete(instances, machine);
  await kube.delete(foreignResources.virtualMachines, machine);
  await end(kube, allocator, next);
  assert.deepEqual(await holders(kube), []);
});

test('F00002 while a virtual machine migrates, both its pods hold the address, and the one that stays keeps it', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(instances, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  const from = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  const before = await one.allocate(add('virt-launcher-vm-aaaaa'));
  const to = await owned(kube, 'virt-launcher-vm-bbbbb', target);
  const moved = await two.allocate(add('virt-launcher-vm-bbbbb'));
  assert.deepEqual(texts(moved), texts(before));
  assert.equal(moved.shared, true, 'its address is neither probed nor announced');
  const [held] = before.addresses;
  assert.ok(held);
  const addresses = [{ address: held.address.address, heldIn: 'v4' }];
  const check = { nic: 'eth0', addresses, signal: AbortSignal.timeout(5_000) };
  await one.verify({ ...check, podUid: from.metadata.uid ?? '' });
  await end(kube, one, from);
  assert.equal((await records(kube))['10.6.1.1']?.podUid, to.metadata.uid);
  await two.verify({ ...check, podUid: to.metadata.uid ?? '' });
});

test('F00002 when a migration fails, the source keeps the address', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(instances, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  const before = await one.allocate(add('virt-launcher-vm-aaaaa'));
  const to = await owned(kube, 'virt-launcher-vm-bbbbb', target);
  await two.allocate(add('virt-launcher-vm-bbbbb'));
  await end(kube, two, to);
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/vm eth0']);
  assert.deepEqual(texts(await one.allocate(add('virt-launcher-vm-aaaaa'))), texts(before));
});

test('a virtual machine that is deleted while it migrates keeps its address until one of its pods is left', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(instances, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  const from = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  await one.allocate(add('virt-launcher-vm-aaaaa'));
  const to = await owned(kube, 'virt-launcher-vm-bbbbb', target);
  await two.allocate(add('virt-launcher-vm-bbbbb'));
  await kube.delete(instances, machine);
  const request = del('virt-launcher-vm-bbbbb', to.metadata.uid ?? '');
  await two.release(request);
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/vm eth0']);
  await owned(kube, 'other', { kind: 'ReplicaSet' });
  assert.deepEqual(texts(await one.allocate(add('other'))), ['eth0 10.6.1.2/16'], 'nobody else gets it');
  await end(kube, one, from);
  await two.release(request);
  assert.deepEqual(await holders(kube), ['10.6.1.2 default/other eth0']);
});

test('the source of an earlier migration, which has finished, does not keep the address of its virtual machine', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(instances, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  const from = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  await one.allocate(add('virt-launcher-vm-aaaaa'));
  const to = await owned(kube, 'virt-launcher-vm-bbbbb', target);
  await two.allocate(add('virt-launcher-vm-bbbbb'));
  await one.release(del('virt-launcher-vm-aaaaa', from.metadata.uid ?? ''));
  const ref = { namespace: 'default', name: 'virt-launcher-vm-aaaaa' };
  await kube.patch(resources.pods, ref, { type: 'merge', body: { status: { phase: 'Succeeded' } } });
  await kube.delete(instances, machine);
  await end(kube, two, to);
  assert.deepEqual(await holders(kube), []);
});

test('the DEL of a virtual machine’s pod fails while the server does not show its other pods', async () => {
  const kube = await cluster(pools);
  await kube.create(instances, { metadata: machine });
  const allocator = await agent(kube);
  const made = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  await allocator.allocate(add('virt-launcher-vm-aaaaa'));
  await kube.delete(instances, machine);
  kube.before = ({ verb, plural }) => {
    if (verb === 'list' && plural === 'pods') throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  const request = del('virt-launcher-vm-aaaaa', made.metadata.uid ?? '');
  await assert.rejects(allocator.release(request), { code: 'KUBE_UNREACHABLE', message: /default\/vm/ });
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/vm eth0']);
});

test('F00003 each NIC of a virtual machine keeps its address, also when the pools of its pods have changed', async () => {
  const kube = await cluster(pools);
  await kube.create(foreignResources.virtualMachines, { metadata: machine });
  const allocator = await agent(kube);
  const first = await owned(kube, 'virt-launcher-vm-aaaaa', { ...vm, annotations: ippool('v4') });
  for (const interfaceName of ['eth0', 'net1'])
    await allocator.allocate(add('virt-launcher-vm-aaaaa', { interfaceName }));
  await end(kube, allocator, first);
  await owned(kube, 'virt-launcher-vm-bbbbb', { ...vm, annotations: ippool('more') });
  const again = [];
  for (const interfaceName of ['net1', 'eth0'])
    again.push(...texts(await allocator.allocate(add('virt-launcher-vm-bbbbb', { interfaceName }))));
  assert.deepEqual(again, ['net1 10.6.1.2/16', 'eth0 10.6.1.1/16']);
});

test('F00002 the DEL of a migration’s target that no watch has shown leaves the address to the source', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(instances, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  await one.allocate(add('virt-launcher-vm-aaaaa'));
  await one.settled();
  await kube.delete(resources.spiderEndpoints, machine);
  // The agent of the target learns nothing more, and the answer of its write is lost.
  let isAway = false;
  kube.before = ({ verb }) => {
    if (isAway || verb === 'watch' || verb === 'list')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'connection reset' });
  };
  kube.breakWatches();
  const to = await owned(kube, 'virt-launcher-vm-bbbbb', target);
  const write = kube.updateStatus.bind(kube);
  kube.updateStatus = async (...given) => {
    await write(...given);
    isAway = true;
    throw new OrbError('KUBE_UNREACHABLE', { message: 'connection reset' });
  };
  await assert.rejects(two.allocate(add('virt-launcher-vm-bbbbb')), { code: 'KUBE_UNREACHABLE' });
  isAway = false;
  kube.updateStatus = write;
  await two.release({ ...del('virt-launcher-vm-bbbbb', to.metadata.uid ?? ''), held: [] });
  assert.deepEqual(await holders(kube), ['10.6.1.1 default/vm eth0']);
});

test('an agent whose watch is broken finds the address of a virtual machine in a pool that is no candidate any more', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await kube.create(foreignResources.virtualMachines, { metadata: machine });
  const [one, two] = [await agent(kube), await agent(kube, { nodeName: 'node2' })];
  breakWatchesOfPools(kube);
  const first = await owned(kube, 'virt-launcher-vm-aaaaa', vm);
  assert.deepEqual(texts(await one.allocate(add('virt-launcher-vm-aaaaa'))), ['eth0 10.6.1.1/16']);
  await one.settled();
  await end(kube, one, first);
  const elsewhere = { ...vm, nodeName: 'node2', annotations: ippool('more') };
  await owned(kube, 'virt-launcher-vm-bbbbb', elsewhere);
  assert.deepEqual(texts(await two.allocate(add('virt-launcher-vm-bbbbb'))), ['eth0 10.6.1.1/16']);
});
