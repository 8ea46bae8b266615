// IPAMClaims: the addresses of an interface stay as long as the claim that its network selection names.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { foreignResources, type Pod, resources } from '#api';
import type { FakeKube } from '#kube/testing';
import type { Allocator } from './allocator.ts';
import { add, agent, cluster, del, pod, records, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const pools = { v4: { ips: ['10.6.1.1-10.6.1.9'] }, v6: { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] } };

function claim(kube: FakeKube, name = 'mine') {
  return kube.create(foreignResources.ipamClaims, { metadata: { name, namespace: 'default' } });
}

/** A pod whose networks name these claims, in order. */
function claiming(kube: FakeKube, name: string, ...claims: string[]): Promise<Pod> {
  const networks = claims.map((one) => ({ name: 'net', 'ipam-claim-reference': one }));
  return pod(kube, name, { 'k8s.v1.cni.cncf.io/networks': JSON.stringify(networks) });
}

const net1 = { interfaceName: 'net1', ipam: { default_ipv6_ippool: ['v6'] } };

async function end(kube: FakeKube, allocator: Allocator, { metadata }: Pod): Promise<void> {
  await allocator.release(del(metadata.name ?? '', metadata.uid ?? ''));
  await kube.delete(resources.pods, { namespace: 'default', name: metadata.name ?? '' });
}

test('a pod of another name that names the same IPAMClaim gets the same addresses again, of both families', async () => {
  const kube = await cluster(pools);
  await claim(kube);
  const allocator = await agent(kube, { addressRestMs: 0 });
  const first = await claiming(kube, 'a', 'mine');
  assert.deepEqual(texts(await allocator.allocate(add('a', net1))), ['net1 10.6.1.1/16', 'net1 fd00::1/64']);
  const ref = { namespace: 'default', name: 'mine' };
  const { status } = await kube.get(foreignResources.ipamClaims, ref);
  assert.deepEqual(status?.ips, ['10.6.1.1/16', 'fd00::1/64']);
  assert.deepEqual(status?.ownerPod, { name: 'a' });
  assert.deepEqual(
    status?.conditions?.map(({ type, status }) => `${type} ${status}`),
    ['IPsAllocated True'],
  );
  await end(kube, allocator, first);
  await pod(kube, 'other');
  assert.deepEqual(
    texts(await allocator.allocate(add('other'))),
    ['eth0 10.6.1.2/16'],
    'nobody else gets it',
  );
  const next = await claiming(kube, 'b', 'mine');
  assert.deepEqual(texts(await allocator.allocate(add('b', net1))), ['net1 10.6.1.1/16', 'net1 fd00::1/64']);
  assert.equal((await records(kube))['10.6.1.1']?.podUid, next.metadata.uid);
  assert.equal((await kube.get(foreignResources.ipamClaims, ref)).status?.ownerPod?.name, 'b');
});

test('a second pod that names the IPAMClaim of a living pod is refused, and the first keeps its address', async () => {
  const kube = await cluster(pools);
  await claim(kube);
  const allocator = await agent(kube);
  const first = await claiming(kube, 'a', 'mine');
  await allocator.allocate(add('a', net1));
  await claiming(kube, 'b', 'mine');
  await assert.rejects(allocator.allocate(add('b', net1)), {
    code: 'IPAM_CLAIM_IN_USE',
    message: /pod default\/a uses IPAMClaim default\/mine, which pod default\/b names/,
  });
  assert.equal((await records(kube))['10.6.1.1']?.podUid, first.metadata.uid);
});

test('a pod that names an IPAMClaim which does not exist gets no address', async () => {
  const kube = await cluster(pools);
  const allocator = await agent(kube);
  await claiming(kube, 'a', 'mine');
  await assert.rejects(allocator.allocate(add('a', net1)), {
    code: 'IPAM_CLAIM_NOT_FOUND',
    message: /IPAMClaim default\/mine of CustomResourceDefinition ipamclaims.k8s.cni.cncf.io does not exist/,
  });
  assert.deepEqual(await records(kube), {});
});

test('each NIC keeps the address of its own IPAMClaim, and a NIC without one gives its address back', async () => {
  const kube = await cluster(pools);
  await claim(kube, 'one');
  await claim(kube, 'two');
  const allocator = await agent(kube, { addressRestMs: 0 });
  const first = await claiming(kube, 'a', 'one', 'two');
  const of = (interfaceName: string) => add('a', { interfaceName });
  assert.equal((await allocator.allocate(of('eth0'))).fixed, undefined);
  assert.equal((await allocator.allocate(of('net1'))).fixed, true, 'a conflict does not move it');
  await allocator.allocate(of('net2'));
  await end(kube, allocator, first);
  const held = Object.entries(await records(kube)).map(([address, { pod, nic }]) => [address, pod, nic]);
  assert.deepEqual(held, [
    ['10.6.1.2', 'default/ipamclaim:one', 'net1'],
    ['10.6.1.3', 'default/ipamclaim:two', 'net2'],
  ]);
});

test('two NICs that name one IPAMClaim are refused', async () => {
  const kube = await cluster(pools);
  await claim(kube);
  const allocator = await agent(kube);
  await claiming(kube, 'a', 'mine', 'mine');
  await assert.rejects(allocator.allocate(add('a', net1)), { code: 'INPUT_INVALID', message: /net2.*net1/ });
});

/** A pod of the virtual machine `vm`, whose second NIC names the claim. */
function launcher(kube: FakeKube, name: string, nodeName: string, more: Record<string, string> = {}) {
  const { owner = 'vm' } = more;
  const kubevirt = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', controller: true };
  const networks = JSON.stringify([{ name: 'net', 'ipam-claim-reference': 'mine' }]);
  return kube.create(resources.pods, {
    metadata: {
      ...{ name, namespace: 'default', labels: { 'kubevirt.io': 'virt-launcher' } },
      annotations: { 'k8s.v1.cni.cncf.io/networks': networks, ...more },
      ownerReferences: [{ ...kubevirt, name: owner, uid: 'uid of vm' }],
    },
    spec: { nodeName, containers: [] },
  });
}

const migrating = { 'kubevirt.io/migrationJobName': 'job' };

test('while a virtual machine without static addresses migrates, both its pods use the address of its IPAMClaim', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await claim(kube);
  const off = { fixedForVirtualMachines: false };
  const [one, two] = [await agent(kube, off), await agent(kube, { ...off, nodeName: 'node2' })];
  const from = await launcher(kube, 'vm-a', 'node1');
  const before = await one.allocate(add('vm-a', net1));
  assert.equal(before.shared, undefined);
  await launcher(kube, 'vm-x', 'node2');
  await assert.rejects(two.allocate(add('vm-x', net1)), { code: 'IPAM_CLAIM_IN_USE' }, 'not a migration');
  await launcher(kube, 'other', 'node2', { ...migrating, owner: 'another' });
  await assert.rejects(two.allocate(add('other', net1)), { code: 'IPAM_CLAIM_IN_USE' }, 'another machine');
  const to = await launcher(kube, 'vm-b', 'node2', migrating);
  const moved = await two.allocate(add('vm-b', net1));
  assert.deepEqual(texts(moved), texts(before));
  assert.equal(moved.shared, true, 'its address is neither probed nor announced');
  const addresses = before.addresses.map(({ address, heldIn }) => ({ address: address.address, heldIn }));
  const check = { nic: 'net1', addresses, signal: AbortSignal.timeout(5_000) };
  await one.verify({ ...check, podUid: from.metadata.uid ?? '' });
  await two.verify({ ...check, podUid: to.metadata.uid ?? '' });
  await end(kube, one, from);
  assert.equal((await records(kube))['10.6.1.1']?.podUid, to.metadata.uid);
  assert.equal(
    (await kube.get(foreignResources.ipamClaims, { namespace: 'default', name: 'mine' })).status?.ownerPod
      ?.name,
    'vm-b',
  );
});

test('when such a migration fails, the source keeps the address of the claim', async () => {
  const kube = await cluster(pools);
  await kube.create(resources.nodes, { metadata: { name: 'node2' } });
  await claim(kube);
  const off = { fixedForVirtualMachines: false };
  const [one, two] = [await agent(kube, off), await agent(kube, { ...off, nodeName: 'node2' })];
  await launcher(kube, 'vm-a', 'node1');
  const before = await one.allocate(add('vm-a', net1));
  const to = await launcher(kube, 'vm-b', 'node2', migrating);
  await two.allocate(add('vm-b', net1));
  await end(kube, two, to);
  assert.deepEqual(texts(await one.allocate(add('vm-a', net1))), texts(before));
});
