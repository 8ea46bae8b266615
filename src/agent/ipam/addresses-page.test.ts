// The examples of docs/addresses.md, applied as they are written.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { type KubeObject, type ResourceType, resources, type StatefulSet } from '#api';
import { FakeKube } from '#kube/testing';
import { add, agent, del, stopAgents, texts } from './allocator-fixture.ts';

afterEach(stopAgents);

const page = readFileSync(new URL('../../../docs/addresses.md', import.meta.url), 'utf8');
const kinds: readonly ResourceType[] = [resources.spiderIPPools, resources.pods, resources.statefulSets];

/** Every object of the page, by kind and name. */
async function applied(): Promise<{ kube: FakeKube; objects: ReadonlyMap<string, KubeObject> }> {
  const kube = new FakeKube();
  await kube.create(resources.namespaces, { metadata: { name: 'default' } });
  await kube.create(resources.nodes, { metadata: { name: 'node1' } });
  const objects = new Map<string, KubeObject>();
  for (const [, yaml = ''] of page.matchAll(/^```yaml\n(.*?)^```$/gms)) {
    for (const document of parseAllDocuments(yaml)) {
      const { kind, ...written } = document.toJS() as KubeObject & { kind: string };
      const type = kinds.find((one) => one.kind === kind);
      assert.ok(type, `the page has an example of kind ${kind}, which this test does not know`);
      const { metadata } = written;
      const namespace = type.namespaced ? { namespace: 'default' } : {};
      const object = type.schema.parse({ ...written, metadata: { ...metadata, ...namespace } }) as KubeObject;
      objects.set(`${kind} ${metadata.name}`, object);
      await kube.create(type, object as never);
    }
  }
  return { kube, objects };
}

test('each pod of the page names a network of examples/underlay.yaml, which gives it addresses', async () => {
  const { objects } = await applied();
  const manifests = readFileSync(new URL('../../../examples/underlay.yaml', import.meta.url), 'utf8');
  const networks = parseAllDocuments(manifests)
    .map((document) => document.toJS() as KubeObject & { kind: string })
    .filter(({ kind }) => kind === 'NetworkAttachmentDefinition')
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const pods = [...objects].filter(([key]) => !key.startsWith('SpiderIPPool '));
  assert.equal(pods.length, 3);
  for (const [key, object] of pods) {
    const template = (object as StatefulSet).spec?.template ?? object;
    const network = template.metadata?.annotations?.['v1.multus-cni.io/default-network'];
    assert.ok(networks.includes(network ?? ''), `${key} names ${network}`);
  }
});

test('the pods of the page get addresses of the pool, and the address that one of them requests', async () => {
  const { kube } = await applied();
  const allocator = await agent(kube);
  const ipam = { default_ipv4_ippool: [] };
  assert.deepEqual(texts(await allocator.allocate(add('guide-web', { ipam }))), ['eth0 10.6.168.101/16']);
  assert.deepEqual(texts(await allocator.allocate(add('guide-requested', { ipam }))), [
    'eth0 10.6.168.105/16',
  ]);
});

test('a pod of the StatefulSet of the page gets its address again', async () => {
  const { kube, objects } = await applied();
  const allocator = await agent(kube);
  const set = objects.get('StatefulSet guide-db') as StatefulSet;
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'guide-db', uid: 'db', controller: true },
  ];
  const { annotations = {} } = set.spec?.template.metadata ?? {};
  const given = [];
  for (let start = 0; start < 2; start++) {
    const metadata = { name: 'guide-db-1', namespace: 'default', annotations, ownerReferences };
    const { uid = '' } = (await kube.create(resources.pods, { metadata })).metadata;
    given.push(...texts(await allocator.allocate(add('guide-db-1'))));
    await allocator.release(del('guide-db-1', uid));
    await kube.delete(resources.pods, { namespace: 'default', name: 'guide-db-1' });
  }
  assert.deepEqual(given, ['eth0 10.6.168.101/16', 'eth0 10.6.168.101/16']);
});
