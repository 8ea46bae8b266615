// Server-side apply: who owns which field.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, applyPatch, type Body, Cluster, mergePatch } from './cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await Cluster.open();
});
after(() => cluster.close());

const apply = (manager: string, name: string, data: Body, force = false): Promise<Answer> => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  return cluster.call(
    'PATCH',
    `${cluster.core('configmaps')}/${name}?fieldManager=${manager}&force=${force}`,
    { type: applyPatch, body },
  );
};

test('apply creates an object, and leaves it alone when nothing changed', async () => {
  const made = await apply('one', 'plain', { a: '1' });
  assert.equal(made.code, 201);
  assert.deepEqual(made.body.metadata.managedFields[0].fieldsV1, { 'f:data': { 'f:a': {} } });
  assert.equal(made.body.metadata.managedFields[0].operation, 'Apply');
  const again = await apply('one', 'plain', { a: '1' });
  assert.equal(again.code, 200);
  assert.equal(again.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
});

test('another manager conflicts over a different value, shares an equal value, and takes over by force', async () => {
  await apply('one', 'shared', { a: '1', b: '1' });
  const refused = await apply('two', 'shared', { a: '2' });
  assert.equal(refused.code, 409);
  assert.match(refused.body.message, /conflict with "one"/);
  assert.equal(refused.body.details.causes[0].reason, 'FieldManagerConflict');
  assert.equal(refused.body.details.causes[0].field, '.data.a');
  assert.equal((await apply('two', 'shared', { a: '1' })).code, 200);
  // One lets go of a field that two still holds: it stays; b was one's alone: it goes.
  assert.deepEqual((await apply('one', 'shared', {})).body.data, { a: '1' });
  assert.deepEqual((await apply('one', 'shared', { a: '3' }, true)).body.data, { a: '3' });
});

/** An object as `kubectl apply` leaves it: its annotation has what was applied, and another manager has the fields. */
const clientSideApplied = async (name: string, data: Body, lastApplied = data): Promise<Body> => {
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: lastApplied };
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(applied)}\n` };
  const path = `${cluster.core('configmaps')}?fieldManager=kubectl-client-side-apply`;
  return cluster.must('POST', path, { body: { metadata: { name, annotations }, data } });
};
const lastApplied = (object: Body): Body => {
  const text = object.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'];
  return text === undefined ? undefined : JSON.parse(text);
};

test("server-side apply takes over the fields of kubectl's client-side apply, and keeps its annotation up to date", async () => {
  await clientSideApplied('upgraded', { a: '1', b: '1' });
  const { code, body } = await apply('kubectl', 'upgraded', { a: '2', c: '3' });
  assert.equal(code, 200, JSON.stringify(body));
  assert.deepEqual(body.data, { a: '2', b: '1', c: '3' });
  assert.deepEqual(lastApplied(body).data, { a: '2', c: '3' });
  assert.equal(lastApplied(body).metadata.name, 'upgraded');
  const owners = body.metadata.managedFields.map((it: Body) => [
    it.manager,
    Object.keys(it.fieldsV1['f:data'] ?? {}),
  ]);
  assert.deepEqual(new Map(owners).get('kubectl'), ['f:a', 'f:c']);
});

test('a field that somebody changed after kubectl applied it conflicts, and no other field is named', async () => {
  await clientSideApplied('edited', { a: 'edited', b: '1' }, { a: '1', b: '1' });
  const { code, body } = await apply('kubectl', 'edited', { a: '2', b: '2' });
  assert.equal(code, 409);
  assert.deepEqual(
    body.details.causes.map((it: Body) => it.field),
    ['.data.a'],
  );
});

test('another manager than kubectl conflicts with the fields of kubectl, and leaves its annotation alone', async () => {
  const before = await clientSideApplied('foreign', { a: '1' });
  assert.equal((await apply('flux', 'foreign', { a: '2' })).code, 409);
  const { body } = await apply('flux', 'foreign', { a: '2' }, true);
  assert.deepEqual(lastApplied(body), lastApplied(before));
});

test('the last-applied annotation is removed when apply would make it too long', async () => {
  await clientSideApplied('long', { a: '1' });
  const { code, body } = await apply('kubectl', 'long', { a: '2', b: 'x'.repeat(256 * 1024) });
  assert.equal(code, 200);
  assert.equal(body.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
});

test('fields that an update sets belong to the updater', async () => {
  await apply('one', 'mixed', { a: '1' });
  const path = `${cluster.core('configmaps')}/mixed`;
  await cluster.must('PATCH', `${path}?fieldManager=editor`, {
    type: mergePatch,
    body: { data: { a: '2', b: '2' } },
  });
  assert.equal((await apply('one', 'mixed', { a: '1' })).code, 409);
  assert.deepEqual((await apply('one', 'mixed', {})).body.data, { a: '2', b: '2' });
});

test('each list item with a key has its own owner', async () => {
  const path = `${cluster.core('services')}/listed?fieldManager=`;
  const ports = (manager: string, list: Body[]) => {
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'listed' }, spec: { ports: list } };
    return cluster.must('PATCH', path + manager, { type: applyPatch, body });
  };
  await ports('one', [{ name: 'a', port: 80 }]);
  const both = await ports('two', [{ name: 'b', port: 81 }]);
  assert.deepEqual(
    both.spec.ports.map((port: Body) => port.port),
    [80, 81],
  );
  const left = await ports('two', []);
  assert.deepEqual(
    left.spec.ports.map((port: Body) => port.port),
    [80],
  );
});

test('empty fields that typed clients apply make no new version the second time', async () => {
  const path = `${cluster.core('services')}/typed?fieldManager=typed&force=true`;
  const spec = { selector: { a: 'b' }, ports: [{ port: 80, targetPort: 0 }], sessionAffinityConfig: null };
  const metadata = { name: 'typed', creationTimestamp: null };
  const body = { apiVersion: 'v1', kind: 'Service', metadata, spec, status: { loadBalancer: {} } };
  const made = await cluster.must('PATCH', path, { type: applyPatch, body });
  assert.equal(made.spec.ports[0].targetPort, 80);
  // The times of managed fields are in seconds.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const again = await cluster.must('PATCH', path, { type: applyPatch, body });
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('an apply without a manager is refused', async () => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nobody' } };
  const { code } = await cluster.call('PATCH', `${cluster.core('configmaps')}/nobody`, {
    type: applyPatch,
    body,
  });
  assert.ok(code === 400 || code === 422);
});
