// Webhooks are called for real: servers of this test, known by certificates of their own.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-return */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '#base';
import { newKey, selfSigned } from '#program';
import type { JsonObject } from '../json.ts';
import { type Body, HookedServer } from './hooked-server-fixture.ts';

/** What a webhook of this test does with what it is asked; never answers for undefined. */
type Reply = (request: Body) => JsonObject | undefined;

const replies = new Map<string, Reply>();
const asked: Body[] = [];
const server = new HookedServer((about, url) => {
  asked.push({ path: url, ...about });
  return replies.get(url.split('?')[0] ?? '')?.(about);
});
const { caBundle } = server;
const call = server.call.bind(server);

before(() => server.start());
after(() => server.stop());

const configurations = (kind: string) => `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`;
const rule = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };

/** Makes a configuration of one webhook, for this test only. */
async function configure(
  kind: 'mutating' | 'validating',
  name: string,
  reply: Reply,
  more: object = {},
): Promise<() => Promise<unknown>> {
  replies.set(`/${name}`, reply);
  const url = `https://127.0.0.1:${server.hookPort}/${name}`;
  const usual = {
    clientConfig: { url, caBundle },
    rules: [rule],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const selector = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } };
  const webhook = { name: `${name}.example.org`, ...usual, ...selector, ...more };
  const { code, body } = await call('POST', configurations(kind), {
    metadata: { name },
    webhooks: [webhook],
  });
  assert.equal(code, 201, JSON.stringify(body));
  return () => call('DELETE', `${configurations(kind)}/${name}`);
}

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string, more: object = {}) => ({ metadata: { name, ...more }, data: { a: '1' } });
const patchOf = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

test('a mutating webhook changes the stored object, and the next webhook sees the change', async (t) => {
  t.after(await configure('mutating', 'a-first', () => patchOf({ op: 'add', path: '/data/b', value: '2' })));
  t.after(
    await configure('mutating', 'b-second', ({ object }) =>
      patchOf(
        { op: 'add', path: '/data/seen', value: Object.keys(object.data).join() },
        { op: 'add', path: '/unknown', value: 1 },
      ),
    ),
  );
  const { code, body } = await call('POST', maps, map('mutated'));
  assert.equal(code, 201);
  assert.deepEqual(body.data, { a: '1', b: '2', seen: 'a,b' });
  assert.equal(body.unknown, undefined, 'the schema holds for what webhooks add');
});

test('a validating webhook refuses in its own words, warns, and is told user and operation', async (t) => {
  t.after(
    await configure('validating', 'judge', ({ object, operation }) =>
      operation === 'CREATE' && object.data.a === '1'
        ? { allowed: false, status: { code: 403, message: 'not a 1' } }
        : { allowed: true, warnings: ['looked at'] },
    ),
  );
  const refused = await call('POST', maps, map('judged'));
  assert.equal(refused.code, 403);
  assert.equal(refused.body.message, 'admission webhook "judge.example.org" denied the request: not a 1');
  const made = await call('POST', `${maps}?dryRun=All`, { ...map('judged'), data: {} });
  assert.equal(made.code, 201);
  assert.equal(made.warning, '299 - "looked at"');
  const { operation, resource, kind, namespace, name, userInfo, dryRun, oldObject, object, path } =
    asked.at(-1);
  assert.deepEqual(
    { operation, resource, kind, namespace, name, dryRun, oldObject },
    {
      operation: 'CREATE',
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      namespace: 'default',
      name: 'judged',
      dryRun: true,
      oldObject: null,
    },
  );
  assert.equal(userInfo.username, 'orbweaver');
  assert.equal(object.metadata.name, 'judged');
  assert.match(path, /^\/judge\?timeout=10s$/);
});

test('a validating webhook is called for a deletion with the object to be deleted', async (t) => {
  await call('POST', maps, map('going'));
  const end = await configure('validating', 'keep', ({ operation, object, oldObject }) => ({
    allowed: !(operation === 'DELETE' && object === null && oldObject.data.a === '1'),
  }));
  t.after(end);
  const kept = await call('DELETE', `${maps}/going`);
  assert.equal(kept.code, 400);
  assert.match(kept.body.message, /denied the request without explanation/);
  await end();
  assert.equal((await call('DELETE', `${maps}/going`)).code, 200);
});

test('a webhook is called only for requests that match its rules and selectors', async (t) => {
  const chosen = { objectSelector: { matchLabels: { watch: 'me' } } };
  t.after(await configure('validating', 'picky', () => ({ allowed: false }), chosen));
  assert.equal((await call('POST', maps, map('plain'))).code, 201);
  assert.equal((await call('POST', maps, map('watched', { labels: { watch: 'me' } }))).code, 400);
  const elsewhere = '/api/v1/namespaces/kube-public/configmaps';
  assert.equal((await call('POST', elsewhere, map('watched', { labels: { watch: 'me' } }))).code, 201);
  assert.equal(
    (
      await call('POST', '/api/v1/namespaces/default/secrets', {
        metadata: { name: 's', labels: { watch: 'me' } },
      })
    ).code,
    201,
  );
});

test('a request whose webhook cannot be reached is refused or accepted, as failurePolicy says', async (t) => {
  const nobody = { clientConfig: { url: 'https://127.0.0.1:9/', caBundle } };
  const end = await configure('validating', 'strict', () => undefined, nobody);
  const refused = await call('POST', maps, map('unreached'));
  assert.equal(refused.code, 500);
  assert.match(
    refused.body.message,
    /failed calling webhook "strict.example.org": failed to call webhook: Post "https:\/\/127.0.0.1:9\/\?timeout=10s"/,
  );
  await end();
  t.after(await configure('validating', 'lenient', () => undefined, { ...nobody, failurePolicy: 'Ignore' }));
  assert.equal((await call('POST', maps, map('unreached'))).code, 201);
});

test('a webhook whose certificate does not match its caBundle is not trusted', async (t) => {
  const other = Buffer.from(selfSigned(newKey(), ['127.0.0.1'], systemClock.now()).certificate).toString(
    'base64',
  );
  const url = `https://127.0.0.1:${server.hookPort}/stranger`;
  t.after(
    await configure('validating', 'stranger', () => ({ allowed: true }), {
      clientConfig: { url, caBundle: other },
    }),
  );
  const { code, body } = await call('POST', maps, map('untrusted'));
  assert.equal(code, 500);
  assert.match(body.message, /self-signed certificate|unable to verify/i);
});

test('a webhook behind a Service is called at an endpoint, under the name of the Service', async (t) => {
  await call('POST', '/api/v1/namespaces/default/services', {
    metadata: { name: 'hook' },
    spec: { ports: [{ name: 'tls', port: 443 }] },
  });
  const clientConfig = { service: { namespace: 'default', name: 'hook', path: '/behind' }, caBundle };
  t.after(await configure('validating', 'behind', () => ({ allowed: true }), { clientConfig }));
  const nobody = await call('POST', maps, map('behind'));
  assert.match(nobody.body.message, /no endpoints available for service "hook"/);
  await call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'hook', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ name: 'tls', port: server.hookPort }],
  });
  assert.equal((await call('POST', maps, map('behind'))).code, 201);
  assert.equal(asked.at(-1).path, '/behind?timeout=10s');
});

test('a webhook that never answers blocks no other request, and its own request ends in time', {
  timeout: 30_000,
}, async (t) => {
  const services = {
    rules: [{ ...rule, resources: ['services', 'configmaps'] }],
    objectSelector: { matchLabels: { slow: 'yes' } },
    timeoutSeconds: 2,
  };
  t.after(await configure('validating', 'hanging', () => undefined, services));
  const service = (name: string, labels = {}) => ({
    metadata: { name, labels },
    spec: { ports: [{ port: 80 }], type: 'NodePort' },
  });
  const path = '/api/v1/namespaces/default/services';
  let slowEnded = false;
  const slow = call('POST', path, service('slow', { slow: 'yes' })).finally(() => {
    slowEnded = true;
  });
  const beside = await Promise.all(['one', 'two'].map((name) => call('POST', path, service(name))));
  assert.deepEqual(
    beside.map(({ code }) => code),
    [201, 201],
  );
  assert.equal(new Set(beside.map(({ body }) => body.spec.ports[0].nodePort)).size, 2);
  assert.equal(slowEnded, false);
  const { code, body } = await slow;
  assert.equal(code, 500);
  assert.match(body.message, /failed calling webhook "hanging.example.org": .* no answer within 2s/);
});

test('a webhook configuration that this server cannot follow is refused', async () => {
  const webhook = {
    name: 'x',
    clientConfig: { url: 'http://a/' },
    sideEffects: 'Some',
    admissionReviewVersions: ['v1beta1'],
    timeoutSeconds: 40,
    matchConditions: [{ name: 'a', expression: 'object.' }],
  };
  const { code, body } = await call('POST', configurations('validating'), {
    metadata: { name: 'wrong' },
    webhooks: [webhook],
  });
  assert.equal(code, 422);
  for (const field of [
    'name',
    'clientConfig.url',
    'sideEffects',
    'admissionReviewVersions',
    'timeoutSeconds',
    'matchConditions[0].expression',
  ])
    assert.ok(
      body.details.causes.some((cause: Body) => cause.field === `webhooks[0].${field}`),
      field,
    );
});

test('a webhook with matchConditions is called only if all are true', async (t) => {
  const matchConditions = [
    { name: 'wanted', expression: "has(object.metadata.labels) && 'wanted' in object.metadata.labels" },
    {
      name: 'made',
      expression: "request.operation == 'CREATE' && object.data.exists(key, key.startsWith('a'))",
    },
  ];
  t.after(await configure('validating', 'chosen', () => ({ allowed: false }), { matchConditions }));
  assert.equal((await call('POST', maps, map('without'))).code, 201);
  assert.equal((await call('POST', maps, map('with', { labels: { wanted: '' } }))).code, 400);
  const other = { ...map('other', { labels: { wanted: '' } }), data: { b: '1' } };
  assert.equal((await call('POST', maps, other)).code, 201);
});

test('a condition that cannot be evaluated counts like a call that fails', async (t) => {
  const matchConditions = [{ name: 'absent', expression: 'object.spec.absent == 1' }];
  const end = await configure('validating', 'strict-condition', () => ({ allowed: true }), {
    matchConditions,
  });
  const refused = await call('POST', maps, map('absent'));
  assert.equal(refused.code, 403);
  assert.match(refused.body.message, /matchConditions of webhook "strict-condition.example.org" failed/);
  await end();
  const lenient = { matchConditions, failurePolicy: 'Ignore' };
  t.after(await configure('validating', 'lenient-condition', () => ({ allowed: false }), lenient));
  assert.equal((await call('POST', maps, map('absent'))).code, 201);
});
