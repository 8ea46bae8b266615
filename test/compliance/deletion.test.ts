// Deletion: grace, finalizers, preconditions, dependents and whole namespaces.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Body, Cluster, mergePatch } from './cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await Cluster.open();
});
after(() => cluster.close());

const create = (metadata: Body, more: Body = {}): Promise<Body> => {
  return cluster.must('POST', cluster.core('configmaps'), {
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...more },
  });
};
const pod = (name: string, spec: Body = {}): Promise<Body> => {
  // No scheduler takes it: a cluster's own would be faster than the test.
  const whole = { schedulerName: 'nobody', containers: [{ name: 'c', image: 'i' }], ...spec };
  return cluster.must('POST', cluster.core('pods'), {
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: whole },
  });
};

test('a bound pod stays until its kubelet deletes it with grace 0, and an unbound pod goes at once', async () => {
  await pod('unbound');
  await cluster.must('DELETE', `${cluster.core('pods')}/unbound`);
  assert.equal((await cluster.call('GET', `${cluster.core('pods')}/unbound`)).code, 404);
  await pod('bound');
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'bound' },
    target: { apiVersion: 'v1', kind: 'Node', name: 'no-such-node' },
  };
  await cluster.must('POST', `${cluster.core('pods')}/bound/binding`, { body: binding });
  const marked = await cluster.must('DELETE', `${cluster.core('pods')}/bound`, {
    body: { gracePeriodSeconds: 7 },
  });
  assert.equal(marked.spec.nodeName, 'no-such-node');
  assert.equal(marked.metadata.deletionGracePeriodSeconds, 7);
  assert.equal((await cluster.call('GET', `${cluster.core('pods')}/bound`)).code, 200);
  await cluster.must('DELETE', `${cluster.core('pods')}/bound`, { body: { gracePeriodSeconds: 0 } });
  assert.equal((await cluster.call('GET', `${cluster.core('pods')}/bound`)).code, 404);
});

test('a deleted object stays until its finalizer is removed', async () => {
  await create({ name: 'held', finalizers: ['example.org/hold'] });
  const path = `${cluster.core('configmaps')}/held`;
  await cluster.must('DELETE', path);
  const held = await cluster.must('GET', path);
  assert.ok(held.metadata.deletionTimestamp);
  await cluster.must('PATCH', path, { type: mergePatch, body: { metadata: { finalizers: null } } });
  assert.equal((await cluster.call('GET', path)).code, 404);
});

test('a deletion is refused unless its preconditions hold', async () => {
  const made = await create({ name: 'precious' });
  const path = `${cluster.core('configmaps')}/precious`;
  const { code } = await cluster.call('DELETE', path, { body: { preconditions: { uid: 'another' } } });
  assert.equal(code, 409);
  await cluster.must('DELETE', path, { body: { preconditions: { uid: made.metadata.uid } } });
});

test('deletion of a collection deletes the selected objects', async () => {
  await create({ name: 'many-1', labels: { many: 'yes' } });
  await create({ name: 'many-2', labels: { many: 'yes' } });
  await create({ name: 'many-3' });
  await cluster.must('DELETE', `${cluster.core('configmaps')}?labelSelector=many`);
  const left = await cluster.must('GET', cluster.core('configmaps'));
  const names = left.items.map((item: Body) => item.metadata.name);
  assert.ok(!names.includes('many-1') && !names.includes('many-2') && names.includes('many-3'));
});

const owned = (owner: Body, name: string): Promise<Body> => {
  const reference = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    blockOwnerDeletion: true,
  };
  return create({ name, ownerReferences: [reference] });
};

test('background deletion deletes dependents after their owner', async () => {
  await owned(await create({ name: 'owner-1' }), 'owned-1');
  await cluster.must('DELETE', `${cluster.core('configmaps')}/owner-1`, {
    body: { propagationPolicy: 'Background' },
  });
  await cluster.until(`${cluster.core('configmaps')}/owned-1`, ({ code }) => code === 404);
});

test('foreground deletion deletes the owner after its dependents', async () => {
  const owner = await create({ name: 'owner-2' });
  await owned(owner, 'owned-2');
  const marked = await cluster.must('DELETE', `${cluster.core('configmaps')}/owner-2`, {
    body: { propagationPolicy: 'Foreground' },
  });
  assert.deepEqual(marked.metadata.finalizers, ['foregroundDeletion']);
  await cluster.until(`${cluster.core('configmaps')}/owner-2`, ({ code }) => code === 404);
  assert.equal((await cluster.call('GET', `${cluster.core('configmaps')}/owned-2`)).code, 404);
});

test('orphaned dependents stay, and their reference to the owner is removed', async () => {
  await owned(await create({ name: 'owner-3' }), 'owned-3');
  await cluster.must('DELETE', `${cluster.core('configmaps')}/owner-3`, {
    body: { propagationPolicy: 'Orphan' },
  });
  await cluster.until(`${cluster.core('configmaps')}/owner-3`, ({ code }) => code === 404);
  assert.equal(
    (await cluster.must('GET', `${cluster.core('configmaps')}/owned-3`)).metadata.ownerReferences,
    undefined,
  );
});

test('a namespace is deleted with its content, and refuses new objects meanwhile', async () => {
  const name = `${cluster.namespace}-x`;
  await cluster.must('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
  const inside = `/api/v1/namespaces/${name}/configmaps`;
  await cluster.must('POST', inside, {
    body: { metadata: { name: 'held', finalizers: ['example.org/hold'] } },
  });
  await cluster.must('DELETE', `/api/v1/namespaces/${name}`);
  await cluster.until(`${inside}/held`, ({ body }) => body.metadata.deletionTimestamp !== undefined);
  const { code } = await cluster.call('POST', inside, { body: { metadata: { name: 'late' } } });
  assert.equal(code, 403);
  await cluster.must('PATCH', `${inside}/held`, {
    type: mergePatch,
    body: { metadata: { finalizers: null } },
  });
  await cluster.until(`/api/v1/namespaces/${name}`, (answer) => answer.code === 404);
});
