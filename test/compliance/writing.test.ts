// Creating and changing: names, conflicts, patches, scale, status, Services, unknown fields.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Body, Cluster, jsonPatch, mergePatch, strategicPatch } from './cluster.ts';

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

test('a second object of the same name is refused with AlreadyExists', async () => {
  await create({ name: 'twice' });
  const { code, body } = await cluster.call('POST', cluster.core('configmaps'), {
    body: { metadata: { name: 'twice' } },
  });
  assert.equal(code, 409);
  assert.equal(body.reason, 'AlreadyExists');
  assert.equal(body.details.kind, 'configmaps');
});

test('generateName makes unique names', async () => {
  const [a, b] = [await create({ generateName: 'made-' }), await create({ generateName: 'made-' })];
  assert.match(a.metadata.name, /^made-[a-z0-9]{5}$/);
  assert.notEqual(a.metadata.name, b.metadata.name);
});

test('a namespaced object without a namespace is refused', async () => {
  const { code, body } = await cluster.call('POST', '/api/v1/namespaces/there-is-no-such-one/configmaps', {
    body: { metadata: { name: 'x' } },
  });
  assert.equal(code, 404);
  assert.equal(body.details.kind, 'namespaces');
});

test('a malformed name is invalid', async () => {
  const { code, body } = await cluster.call('POST', cluster.core('configmaps'), {
    body: { metadata: { name: 'Not_A_Name' } },
  });
  assert.equal(code, 422);
  assert.equal(body.details.causes[0].field, 'metadata.name');
});

test('annotations of more than 256 KiB, keys and values together, are refused', async () => {
  const limit = 256 * 1024;
  const annotated = (length: number) => ({
    annotations: { a: 'x'.repeat(limit / 2), b: 'y'.repeat(length - limit / 2 - 2) },
  });
  const path = cluster.core('configmaps');
  await create({ name: 'full', ...annotated(limit) });
  const { code, body } = await cluster.call('POST', path, {
    body: { metadata: { name: 'over', ...annotated(limit + 1) } },
  });
  assert.equal(code, 422);
  assert.equal(
    body.message,
    'ConfigMap "over" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
  );
  assert.deepEqual(body.details.causes, [
    {
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 262144 bytes',
      field: 'metadata.annotations',
    },
  ]);
  const patched = await cluster.call('PATCH', `${path}/full`, {
    type: mergePatch,
    body: { metadata: annotated(limit + 1) },
  });
  assert.equal(patched.code, 422);
});

test('an update with a stale resourceVersion conflicts, an update without one overwrites', async () => {
  const first = await create({ name: 'stale' }, { data: { a: '1' } });
  const path = `${cluster.core('configmaps')}/stale`;
  await cluster.must('PUT', path, { body: { ...first, data: { a: '2' } } });
  const { code, body } = await cluster.call('PUT', path, { body: { ...first, data: { a: '3' } } });
  assert.equal(code, 409);
  assert.equal(body.reason, 'Conflict');
  const { resourceVersion: _version, ...metadata } = first.metadata;
  const last = await cluster.must('PUT', path, { body: { ...first, metadata, data: { a: '4' } } });
  assert.equal(last.data.a, '4');
});

test('an update that changes nothing makes no new version', async () => {
  const first = await create({ name: 'same' }, { data: { a: '1' } });
  const again = await cluster.must('PUT', `${cluster.core('configmaps')}/same`, { body: first });
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('a dry run answers as a real request does, and stores nothing', async () => {
  const { code } = await cluster.call('POST', `${cluster.core('configmaps')}?dryRun=All`, {
    body: { metadata: { name: 'dry' } },
  });
  assert.equal(code, 201);
  assert.equal((await cluster.call('GET', `${cluster.core('configmaps')}/dry`)).code, 404);
});

test('a JSON patch tests and changes fields, and a failed test is a 422', async () => {
  await create({ name: 'json' }, { data: { a: '1' } });
  const path = `${cluster.core('configmaps')}/json`;
  const good = [
    { op: 'test', path: '/data/a', value: '1' },
    // Nothing is there yet.
    { op: 'test', path: '/data/b', value: null },
    { op: 'add', path: '/data/b', value: '2' },
  ];
  assert.deepEqual((await cluster.must('PATCH', path, { type: jsonPatch, body: good })).data, {
    a: '1',
    b: '2',
  });
  const { code } = await cluster.call('PATCH', path, {
    type: jsonPatch,
    body: [{ op: 'test', path: '/data/a', value: '9' }],
  });
  assert.equal(code, 422);
});

test('a merge patch merges maps, replaces lists and removes null fields', async () => {
  await create({ name: 'merge', labels: { a: '1', b: '2' } });
  const body = { metadata: { labels: { a: null, c: '3' } } };
  const merged = await cluster.must('PATCH', `${cluster.core('configmaps')}/merge`, {
    type: mergePatch,
    body,
  });
  assert.deepEqual(merged.metadata.labels, { b: '2', c: '3' });
});

test('a patch with a stale resourceVersion conflicts', async () => {
  const first = await create({ name: 'patched' });
  const path = `${cluster.core('configmaps')}/patched`;
  await cluster.must('PATCH', path, { type: mergePatch, body: { data: { a: '1' } } });
  const body = { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { a: '2' } };
  assert.equal((await cluster.call('PATCH', path, { type: mergePatch, body })).code, 409);
});

test('a strategic merge patch merges lists by key, deletes items by directive and keeps the requested order', async () => {
  const labels = { app: 'smp' };
  const containers = [
    { name: 'a', image: 'i:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'i:1' },
  ];
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
  };
  const apps = `/apis/apps/v1/namespaces/${cluster.namespace}/deployments`;
  await cluster.must('POST', apps, {
    body: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'smp' },
      spec: { replicas: 0, ...spec },
    },
  });
  const patch = {
    spec: {
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
          // In the order that is asked for, as kubectl sends them: kube-apiserver refuses another one.
          containers: [
            { name: 'c', image: 'i:3' },
            {
              name: 'a',
              '$setElementOrder/env': [{ name: 'X' }, { name: 'Y' }],
              env: [{ name: 'Y', value: '2' }],
            },
            { name: 'b', $patch: 'delete' },
          ],
        },
      },
    },
  };
  const patched = await cluster.must('PATCH', `${apps}/smp`, { type: strategicPatch, body: patch });
  const found = patched.spec.template.spec.containers;
  assert.deepEqual(
    found.map((it: Body) => it.name),
    ['c', 'a'],
  );
  assert.deepEqual(
    found[1].env.map((it: Body) => it.name),
    ['X', 'Y'],
  );
  assert.equal(patched.metadata.generation, 2);
});

test('scale reads and writes replicas', async () => {
  const labels = { app: 'scaled' };
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'i' }] } },
  };
  const apps = `/apis/apps/v1/namespaces/${cluster.namespace}/replicasets`;
  await cluster.must('POST', apps, {
    body: { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'scaled' }, spec },
  });
  const scale = await cluster.must('GET', `${apps}/scaled/scale`);
  assert.equal(scale.kind, 'Scale');
  assert.equal(scale.status.selector, 'app=scaled');
  const body = { spec: { replicas: 0 } };
  await cluster.must('PATCH', `${apps}/scaled/scale`, { type: mergePatch, body });
  assert.equal((await cluster.must('GET', `${apps}/scaled`)).spec.replicas, 0);
});

test('the status changes only through its subresource, and the spec only outside of it', async () => {
  const made = await pod('status');
  const path = `${cluster.core('pods')}/status`;
  const viaObject = await cluster.must('PATCH', path, {
    type: mergePatch,
    body: { status: { message: 'no' }, metadata: { labels: { a: 'b' } } },
  });
  assert.equal(viaObject.status.message, undefined);
  const body = {
    ...viaObject,
    spec: { ...made.spec, hostname: 'no' },
    status: { ...viaObject.status, message: 'yes' },
  };
  const viaStatus = await cluster.must('PUT', `${path}/status`, { body });
  assert.equal(viaStatus.status.message, 'yes');
  assert.equal(viaStatus.spec.hostname, undefined);
});

test('a Service gets cluster addresses and node ports and keeps them', async () => {
  const spec = { type: 'NodePort', selector: { a: 'b' }, ports: [{ port: 80 }] };
  const made = await cluster.must('POST', cluster.core('services'), {
    body: { metadata: { name: 'svc' }, spec },
  });
  assert.equal(made.spec.clusterIPs[0], made.spec.clusterIP);
  assert.equal(made.spec.ports[0].targetPort, 80);
  assert.ok(made.spec.ports[0].nodePort > 0);
  const patched = await cluster.must('PATCH', `${cluster.core('services')}/svc`, {
    type: mergePatch,
    body: { metadata: { labels: { x: 'y' } } },
  });
  assert.deepEqual(patched.spec, made.spec);
  const { code } = await cluster.call('POST', cluster.core('services'), {
    body: { metadata: { name: 'same-ip' }, spec: { clusterIP: made.spec.clusterIP, ports: [{ port: 80 }] } },
  });
  assert.equal(code, 422);
});

test('zero values of Go clients are accepted: a target port of 0, and lists that are null', async () => {
  const ports = [{ port: 80, targetPort: 0 }];
  const service = await cluster.must('POST', cluster.core('services'), {
    body: { metadata: { name: 'unset' }, spec: { selector: { a: 'b' }, ports } },
  });
  assert.equal(service.spec.ports[0].targetPort, 80);
  const inGroup = (group: string, plural: string) =>
    `/apis/${group}/v1/namespaces/${cluster.namespace}/${plural}`;
  const slices = inGroup('discovery.k8s.io', 'endpointslices');
  const slice = { metadata: { name: 'unset' }, addressType: 'IPv4', endpoints: null, ports: null };
  assert.equal((await cluster.call('POST', slices, { body: slice })).code, 201);
  const roles = inGroup('rbac.authorization.k8s.io', 'roles');
  assert.equal(
    (await cluster.call('POST', roles, { body: { metadata: { name: 'unset' }, rules: null } })).code,
    201,
  );
});

test('unknown fields are refused, reported or dropped, as fieldValidation says', async () => {
  const send = (validation: string) => {
    return cluster.call('POST', `${cluster.core('configmaps')}?dryRun=All&fieldValidation=${validation}`, {
      body: { metadata: { name: 'unknown' }, dat: {} },
    });
  };
  const strict = await send('Strict');
  assert.equal(strict.code, 400);
  assert.match(strict.body.message, /unknown field "dat"/);
  const warned = await send('Warn');
  assert.equal(warned.code, 201);
  assert.match(String(warned.headers.warning), /unknown field \\"dat\\"/);
  assert.equal(warned.body.dat, undefined);
  assert.equal((await send('Ignore')).headers.warning, undefined);
});
