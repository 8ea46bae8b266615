// What clients and webhooks must not be able to do to the server: end it, hold it up, or change what an object is.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Body, HookedServer } from './webhooks/hooked-server-fixture.ts';

const maps = '/api/v1/namespaces/default/configmaps';
/** What the webhook adds to its answer. */
let reply: object = { allowed: true };

const server = new HookedServer(() => reply);
const call = server.call.bind(server);

before(async () => {
  await server.start();
  await call('POST', maps, { metadata: { name: 'a' }, data: { a: 'x'.repeat(1000) } });
  const url = `https://127.0.0.1:${server.hookPort}/`;
  const webhook = {
    name: 'hook.example.org',
    clientConfig: { url, caBundle: server.caBundle },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const made = await call('POST', configurations, { metadata: { name: 'hook' }, webhooks: [webhook] });
  assert.equal(made.code, 201);
});
after(() => server.stop());

const patch = (body: unknown, type: string) =>
  call('PATCH', `${maps}/a?fieldManager=t`, body, `application/${type}`);

/** The answer to a creation that the webhook answers with `said`. */
async function createWith(name: string, said: object): Promise<{ code: number; body: Body }> {
  reply = said;
  try {
    return await call('POST', maps, { metadata: { name }, data: { a: '1' } });
  } finally {
    reply = { allowed: true };
  }
}
const patchOf = (operations: unknown) => {
  const text = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch: text };
};

test('a webhook that denies with a success code does not end the server', async () => {
  for (const code of [99_999, 404.5, 200, -1, 1e300]) {
    const answer = await createWith('coded', { allowed: false, status: { code, message: 'no' } });
    assert.equal(answer.code, 400, String(code));
    assert.equal(answer.body.message, 'admission webhook "hook.example.org" denied the request: no');
  }
});

test('a patch of a webhook cannot change the kind of an object, or the fields that the server sets', async () => {
  for (const value of [5, null, ['a'], 'text', { kind: 'ConfigMap' }]) {
    const answer = await createWith('other', patchOf([{ op: 'replace', path: '', value }]));
    assert.match(answer.body.message, /sent an invalid patch: its result is not an object/);
  }
  const kind = await createWith('other', patchOf([{ op: 'replace', path: '/kind', value: 'Pod' }]));
  assert.match(kind.body.message, /it changes apiVersion or kind/);
  const { code, body } = await createWith(
    'kept',
    patchOf([
      { op: 'add', path: '/metadata/uid', value: 'mine' },
      { op: 'remove', path: '/metadata/creationTimestamp' },
      { op: 'add', path: '/metadata/deletionTimestamp', value: '2026-01-01T00:00:00Z' },
      { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
    ]),
  );
  assert.equal(code, 201);
  assert.deepEqual(body.metadata.labels, { a: 'b' });
  assert.notEqual(body.metadata.uid, 'mine');
  assert.ok(body.metadata.creationTimestamp);
  assert.equal(body.metadata.deletionTimestamp, undefined);
});

test('a webhook with very many warnings causes no internal error', async () => {
  const answer = await createWith('warned', { allowed: true, warnings: Array(300_000).fill('w') });
  assert.equal(answer.code, 201);
});

test('a body with very many unknown fields causes no internal error', async () => {
  const fields = Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`f${at}`, 1]));
  const answer = await call('POST', `${maps}?dryRun=All`, { metadata: { name: 'many' }, ...fields });
  assert.equal(answer.code, 201);
});

test('a JSON patch that copies its own copies is refused before it grows', async () => {
  const copies = Array.from({ length: 30 }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/c${at}` }));
  const answer = await patch(copies, 'json-patch+json');
  assert.equal(answer.code, 422);
  assert.match(answer.body.message, /accumulated size exceeds 3145728 bytes/);
  const many = await patch(
    Array(10_001).fill({ op: 'test', path: '/kind', value: 'ConfigMap' }),
    'json-patch+json',
  );
  assert.equal(many.code, 413);
  assert.match(many.body.message, /allowed maximum operations in a JSON patch is 10000, got 10001/);
});

test('a body that nests too deep is refused with a message, whatever its content type', async () => {
  const deep = `{"apiVersion":"v1","kind":"ConfigMap","data":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`;
  for (const type of ['merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml']) {
    const { code, body } = await patch(deep, type);
    assert.deepEqual(
      [code, body.message],
      [400, 'the body of the request is nested more than 500 deep'],
      type,
    );
  }
  const steps = Array.from({ length: 600 }, (_, at) => ({
    op: 'add',
    path: `/data${'/a'.repeat(at)}`,
    value: {},
  }));
  assert.equal((await patch(steps, 'json-patch+json')).code, 422);
});

test('a patch that changes kind or apiVersion of an object is refused', async () => {
  const other = { kind: 'Pod' };
  for (const type of ['merge-patch+json', 'strategic-merge-patch+json'])
    assert.equal((await patch(other, type)).code, 400, type);
  assert.equal(
    (await patch([{ op: 'replace', path: '/apiVersion', value: 'v9' }], 'json-patch+json')).code,
    400,
  );
  assert.equal((await patch({ apiVersion: 'v1', kind: 'ConfigMap' }, 'merge-patch+json')).code, 200);
});

test('YAML that would take minutes to parse is refused at once, and duplicate keys are handled as in JSON', async () => {
  const big = `metadata: {name: y}\ndata:\n${'  a: "b"\n'.repeat(20_000)}`;
  assert.equal((await call('POST', maps, big, 'application/yaml')).code, 413);
  const anchors = Array.from({ length: 2000 }, (_, at) => `- &a${at} x\n- *a${at}\n`).join('');
  const answer = await call('POST', maps, anchors, 'application/yaml');
  assert.match(answer.body.message, /more than 100 aliases/);
  const twice = await call('POST', maps, 'metadata: {name: y}\ndata: {a: "1", a: "2"}', 'application/yaml');
  assert.deepEqual(twice.body.data, { a: '2' });
});

test('a watch from an invalid version is refused', async () => {
  const { code, body } = await call('GET', `${maps}?watch=1&resourceVersion=abc`);
  assert.equal(code, 400);
  assert.match(body.message, /resourceVersion must be a number/);
});

test('the timeout of a watch may be longer than a timer can be set', async () => {
  const stop = new AbortController();
  const url = `${server.url}${maps}?watch=1&timeoutSeconds=9999999`;
  const response = await fetch(url, { headers: { authorization: 'Bearer secret' }, signal: stop.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  assert.equal((await reader.read()).done, false);
  const next = reader.read().then(({ done }) => (done ? 'ended' : 'an event'));
  // Time for the wrong timer, which rings after a millisecond, and then for an event.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await call('POST', maps, { metadata: { name: 'seen' } });
  assert.equal(await next, 'an event');
  stop.abort();
});

test('a deletion with unknown options deletes nothing', async () => {
  await call('POST', maps, { metadata: { name: 'stays' } });
  const wrong: readonly [object, RegExp][] = [
    [{ dryRun: 'All' }, /dryRun in body must be of type array/],
    [{ dryRun: ['x'] }, /dryRun: Unsupported value: "x": supported values: "All"/],
    [{ preconditions: 5 }, /preconditions in body must be of type object/],
    [{ gracePeriodSeconds: 'x' }, /gracePeriodSeconds in body must be of type integer/],
    [{ propagationPolicy: 'Evil' }, /supported values: "Foreground", "Background", "Orphan", "nil"/],
    [{ propagationPolicy: 'Orphan', orphanDependents: true }, /cannot be both set/],
    [{ kind: 'Pod' }, /must be a DeleteOptions/],
  ];
  for (const [options, why] of wrong) {
    const { code, body } = await call('DELETE', `${maps}/stays`, options);
    assert.ok(code === 400 || code === 422, `${code} ${JSON.stringify(options)}`);
    assert.match(body.message, why);
  }
  for (const query of ['dryRun=x', 'propagationPolicy=x', 'gracePeriodSeconds=x'])
    assert.equal((await call('DELETE', `${maps}/stays?${query}`)).code, 422, query);
  assert.equal((await call('GET', `${maps}/stays`)).code, 200);
  assert.equal((await call('DELETE', `${maps}/stays`, { preconditions: null, dryRun: null })).code, 200);
});

test('an access review or a token request is validated as an object is', async () => {
  const token = (spec: unknown) =>
    call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { spec });
  for (const spec of [
    5,
    { audiences: 'x' },
    { audiences: [5] },
    { expirationSeconds: 'x' },
    { expirationSeconds: 700.5 },
  ])
    assert.equal((await token(spec)).code, 422, JSON.stringify(spec));
  const empty = { token: '', expirationTimestamp: null };
  const tokens = '/api/v1/namespaces/default/serviceaccounts/default/token';
  assert.equal((await call('POST', tokens, { spec: { audiences: null }, status: empty })).code, 201);
  assert.equal((await token({ expirationSeconds: null, boundObjectRef: null })).code, 201);
  const ask = (kind: string, spec: unknown) =>
    call('POST', `/apis/authorization.k8s.io/v1/${kind}`, { spec });
  for (const spec of [undefined, 5, {}, { user: 5, resourceAttributes: {} }, { resourceAttributes: {} }])
    assert.equal((await ask('subjectaccessreviews', spec)).code, 422, JSON.stringify(spec));
  assert.equal((await ask('selfsubjectaccessreviews', { resourceAttributes: { verb: 'get' } })).code, 201);
  const pods = '/api/v1/namespaces/default/pods';
  await call('POST', pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  for (const body of [{ metadata: { name: 'q' } }, { deleteOptions: 5 }, { kind: 'Pod' }])
    assert.equal((await call('POST', `${pods}/p/eviction`, body)).code, 400, JSON.stringify(body));
});
