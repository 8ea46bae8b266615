import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pod, resources, SPIDERPOOL_FINALIZER, type SpiderEndpoint } from '#api';
import { silentLogger, systemClock } from '#base';
import { FakeKube } from '#kube/testing';
import { EndpointWriter } from './endpoint-writer.ts';

const ref = { namespace: 'default', name: 'web-0' };
const pod: Pod = { metadata: { ...ref, uid: 'new' } };
const holder = { name: 'default/web-0', fixedTo: undefined };
const details = [{ interface: 'eth0', vlan: 0, ipv4: '10.6.1.1/16' }];

function writerOn(client: FakeKube): EndpointWriter {
  return new EndpointWriter({ client, clock: systemClock, log: silentLogger, nodeName: 'node1' });
}

function endpointOf(uid: string, metadata: Partial<SpiderEndpoint['metadata']> = {}): SpiderEndpoint {
  return {
    metadata: { ...ref, ...metadata },
    status: {
      current: { uid, node: 'node2', ips: [{ interface: 'eth0', vlan: 0, ipv4: '10.6.9.9/16' }] },
      ownerControllerType: 'Pod',
      ownerControllerName: ref.name,
    },
  };
}

/** What other programs write into an endpoint. */
const foreign = {
  labels: { team: 'a' },
  annotations: { 'example.com/note': 'keep' },
  finalizers: ['example.com/hold', SPIDERPOOL_FINALIZER],
  ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Audit', name: 'a', uid: 'a' }],
};

/** Resolves with the endpoint once it shows the pod. */
async function shown(kube: FakeKube, uid: string): Promise<SpiderEndpoint> {
  for (;;) {
    const found = await kube.get(resources.spiderEndpoints, ref).catch(() => undefined);
    if (found?.status?.current.uid === uid) return found;
  }
}

test('a failed ADD does not delete the endpoint of a newer pod of the same name', async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('newer'));
  const writer = writerOn(kube);
  writer.show({ metadata: { ...ref, uid: 'old' } }, holder, details);
  writer.hide(holder.name, 'old', undefined);
  await writer.idle();
  assert.equal((await kube.get(resources.spiderEndpoints, ref)).status?.current.uid, 'newer');
  await writer.stop();
});

test('a new pod gets its endpoint although an endpoint of the same name is terminating', async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('old', { finalizers: [SPIDERPOOL_FINALIZER] }));
  await kube.delete(resources.spiderEndpoints, ref);
  const writer = writerOn(kube);
  writer.show(pod, holder, details);
  await writer.idle();
  const { metadata, status } = await kube.get(resources.spiderEndpoints, ref);
  assert.equal(metadata.deletionTimestamp, undefined);
  assert.deepEqual([status?.current.uid, status?.current.node], ['new', 'node1']);
  await writer.stop();
});

test("a terminating endpoint keeps another program's finalizer, and the new endpoint follows when it is removed", async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('old', foreign));
  await kube.delete(resources.spiderEndpoints, ref);
  const writer = writerOn(kube);
  writer.show(pod, holder, details);
  await writer.idle();
  const waiting = await kube.get(resources.spiderEndpoints, ref);
  assert.deepEqual(waiting.metadata.finalizers, ['example.com/hold']);
  assert.equal(waiting.status?.current.uid, 'old');
  await kube.patch(resources.spiderEndpoints, ref, { type: 'merge', body: { metadata: { finalizers: [] } } });
  const { metadata } = await shown(kube, 'new');
  assert.equal(metadata.deletionTimestamp, undefined);
  assert.equal(metadata.ownerReferences?.[0]?.uid, 'new');
  await writer.stop();
});

test('foreign labels, annotations, finalizers and owners stay when the endpoint passes to a new pod', async () => {
  const kube = new FakeKube();
  const before = { apiVersion: 'v1', kind: 'Pod', name: ref.name, uid: 'old' };
  const ownerReferences = [...foreign.ownerReferences, before];
  await kube.create(resources.spiderEndpoints, endpointOf('old', { ...foreign, ownerReferences }));
  const writer = writerOn(kube);
  writer.show(pod, holder, details);
  await writer.idle();
  const { metadata, status } = await kube.get(resources.spiderEndpoints, ref);
  assert.deepEqual(metadata.labels, foreign.labels);
  assert.deepEqual(metadata.annotations, foreign.annotations);
  assert.deepEqual(metadata.finalizers, foreign.finalizers);
  assert.deepEqual(metadata.ownerReferences, [...foreign.ownerReferences, { ...before, uid: 'new' }]);
  assert.deepEqual(
    status?.current.ips.map(({ ipv4 }) => ipv4),
    ['10.6.1.1/16'],
  );
  await writer.stop();
});

test('the last release removes Spiderpool’s finalizer and keeps that of another program', async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('new', foreign));
  const writer = writerOn(kube);
  writer.hide(holder.name, 'new', undefined);
  await writer.idle();
  const { metadata } = await kube.get(resources.spiderEndpoints, ref);
  assert.deepEqual(metadata.finalizers, ['example.com/hold']);
  assert.notEqual(metadata.deletionTimestamp, undefined);
  await writer.stop();
});

test('a change between the read and the patch is not overwritten', async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('old'));
  let patches = 0;
  kube.before = async ({ verb }) => {
    if (verb !== 'patch' || ++patches > 1) return;
    const existing = await kube.get(resources.spiderEndpoints, ref);
    await kube.update(resources.spiderEndpoints, {
      ...existing,
      metadata: { ...existing.metadata, finalizers: ['example.com/late'] },
    });
  };
  const writer = writerOn(kube);
  writer.show(pod, holder, details);
  const { metadata } = await shown(kube, 'new');
  assert.deepEqual(metadata.finalizers, ['example.com/late']);
  assert.equal(patches, 2);
  await writer.stop();
});

test('a starting agent creates the endpoint again when the stored one is being deleted', async () => {
  const kube = new FakeKube();
  await kube.create(resources.spiderEndpoints, endpointOf('new', { finalizers: [SPIDERPOOL_FINALIZER] }));
  await kube.delete(resources.spiderEndpoints, ref);
  const writer = writerOn(kube);
  await writer.restore(pod, holder, details);
  await writer.idle();
  assert.equal((await shown(kube, 'new')).metadata.deletionTimestamp, undefined);
  await writer.stop();
});
