// Cases of Spiderpool's end-to-end list: pools and annotations that change, large pods, and pods with one address family.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Pod, resources } from '#api';
import { formatAddress, formatCidr } from '#ip';
import type { FakeKube } from '#kube/testing';
import { add, agent, cluster, del, pod, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const pools = { v4: { ips: ['10.6.1.1-10.6.1.9'] }, more: { ips: ['10.6.2.1-10.6.2.9'] } };
const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true };

function ordinal(kube: FakeKube, annotations: Record<string, string>): Promise<Pod> {
  const metadata = { name: 'db-0', namespace: 'default', ownerReferences: [owner], annotations };
  return kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
}

async function statefulSet(kube: FakeKube): Promise<void> {
  const spec = { selector: {}, template: {}, replicas: 1 };
  await kube.create(resources.statefulSets, { metadata: { name: 'db', namespace: 'default' }, spec });
}

test('D00002 changed gateway and routes of a pool are for new pods, and the old ones keep their address', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'], gateway: '10.6.0.1' } });
  const allocator = await agent(kube);
  const old = await pod(kube, 'old');
  const before = await allocator.allocate(add('old'));
  const spec = { gateway: '10.6.0.254', routes: [{ dst: '10.99.0.0/16', gw: '10.6.0.2' }] };
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, { type: 'merge', body: { spec } });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await pod(kube, 'new');
  const after = await allocator.allocate(add('new'));
  const ways = ({ addresses, routes }: typeof after) => [
    addresses.map(({ gateway }) => gateway && formatAddress(gateway)),
    routes.map(({ destination, gateway }) => `${formatCidr(destination)} via ${formatAddress(gateway)}`),
  ];
  assert.deepEqual(ways(before), [['10.6.0.1'], ['0.0.0.0/0 via 10.6.0.1']]);
  assert.deepEqual(ways(after), [['10.6.0.254'], ['0.0.0.0/0 via 10.6.0.254', '10.99.0.0/16 via 10.6.0.2']]);
  const held = before.addresses.map(({ address: { address }, heldIn }) => ({ address, heldIn }));
  const check = { podUid: old.metadata.uid ?? '', nic: 'eth0', addresses: held };
  await allocator.verify({ ...check, signal: AbortSignal.timeout(5000) });
});

test('A00002 routes of a pod’s annotation are those of its interface', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  const routes = JSON.stringify([{ dst: '10.99.0.0/16', gw: '10.6.0.7' }]);
  await pod(kube, 'a', { 'ipam.spidernet.io/routes': routes });
  const allocation = await allocator.allocate(add('a'));
  assert.deepEqual(
    allocation.routes.map(
      ({ destination, gateway }) => `${formatCidr(destination)} via ${formatAddress(gateway)}`,
    ),
    ['10.99.0.0/16 via 10.6.0.7'],
  );
});

test('A00008 and E00007 a pod of several containers and half a megabyte gets one address for each interface', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  const annotations = { 'example.com/notes': 'x'.repeat(250_000) };
  const container = (name: string) => ({ name, env: [{ name: 'LONG', value: 'y'.repeat(80_000) }] });
  await kube.create(resources.pods, {
    metadata: { name: 'large', namespace: 'default', annotations },
    spec: { nodeName: 'node1', containers: ['a', 'b', 'c'].map(container) },
  });
  assert.deepEqual(texts(await allocator.allocate(add('large'))), ['eth0 10.6.1.1/16']);
  assert.equal(Object.keys(await records(kube)).length, 1);
});

const bothNics = (eth0: string, net1: string) => ({
  'ipam.spidernet.io/ippools': JSON.stringify([
    { interface: 'eth0', ipv4: [eth0] },
    { interface: 'net1', ipv4: [net1] },
  ]),
});
const unnamed = (eth0: string, net1: string) => ({
  'k8s.v1.cni.cncf.io/networks': 'kube-system/second',
  'ipam.spidernet.io/ippools': JSON.stringify([{ ipv4: [eth0] }, { ipv4: [net1] }]),
});

for (const [number, what, choice] of [
  ['A00010', 'named interfaces', bothNics],
  ['A00018', 'interfaces in order', unnamed],
] as const) {
  test(`${number} the pools of ${what} stay over a restart, and change with the annotation`, async () => {
    const kube = await cluster(pools);
    await statefulSet(kube);
    const allocator = await agent(kube, { addressRestMs: 0 });
    const life = async (annotations: Record<string, string>) => {
      const { metadata } = await ordinal(kube, annotations);
      const allocation = await allocator.allocate(add('db-0'));
      for (const interfaceName of ['net1']) await allocator.allocate(add('db-0', { interfaceName }));
      await allocator.release(del('db-0', metadata.uid ?? ''));
      await kube.delete(resources.pods, { namespace: 'default', name: 'db-0' });
      const net1 = Object.entries({ ...(await records(kube)), ...(await records(kube, 'more')) });
      return [...texts(allocation), ...net1.map(([address, { nic }]) => `${nic} ${address}`)].toSorted();
    };
    const first = await life(choice('v4', 'more'));
    assert.deepEqual(
      first.filter((text) => !text.includes('/')),
      ['eth0 10.6.1.1', 'net1 10.6.2.1'],
    );
    assert.deepEqual(await life(choice('v4', 'more')), first);
    const changed = await life(choice('more', 'v4'));
    // The first addresses were still held when the second ones were chosen.
    const moved = changed.filter((text) => !text.includes('/'));
    assert.deepEqual(moved, ['eth0 10.6.2.2', 'net1 10.6.1.2'], 'the old addresses are free');
  });
}

test('E00001 and E00009 where both families are on, the annotation decides which a pod gets', async () => {
  const kube = await cluster({ ...pools, v6: { subnet: 'fd00::/64', ips: ['fd00::10-fd00::19'] } });
  const allocator = await agent(kube);
  const both = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
  const of = async (name: string, choice?: object) => {
    await pod(kube, name, choice && { 'ipam.spidernet.io/ippool': JSON.stringify(choice) });
    return texts(await allocator.allocate(add(name, { ipam: both })));
  };
  assert.deepEqual(await of('dual'), ['eth0 10.6.1.1/16', 'eth0 fd00::10/64']);
  assert.deepEqual(await of('four', { ipv4: ['v4'] }), ['eth0 10.6.1.2/16']);
  assert.deepEqual(await of('six', { ipv6: ['v6'] }), ['eth0 fd00::11/64']);
});
