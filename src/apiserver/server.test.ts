// The server over HTTP: what only the embedded one can be asked, and what must not bring it down.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Message } from './documents/protobuf.ts';
import type { JsonObject } from './index.ts';
import { listAt, stringAt, valueAt } from './json.ts';
import { testServer, token } from './server-fixture.ts';

const maps = '/api/v1/namespaces/default/configmaps';
let port: number;
/** Creations in the namespace `slow` wait here, between the check of a write and its storing. */
const began = Promise.withResolvers<void>();
const goesOn = Promise.withResolvers<void>();

const { server, start, stop } = testServer({
  // Time passes between the check of a write and its storing, as with a webhook.
  validate: async (request) => {
    if (request.namespace === 'slow-services') await new Promise((resolve) => setTimeout(resolve, 100));
    if (request.namespace !== 'slow') return;
    began.resolve();
    await goesOn.promise;
  },
});

before(async () => {
  port = await start();
});
after(stop);

interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

const isRaw = (body: unknown): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array;

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
  });
  return {
    code: response.status,
    body: (await response.json()) as JsonObject,
    headers: response.headers,
  };
}

test('a continued list whose version was compacted gets 410, reason Expired', async () => {
  for (const name of ['a', 'b', 'c'])
    assert.equal((await call('POST', maps, { metadata: { name } })).code, 201);
  const first = await call('GET', `${maps}?limit=1`);
  const next = stringAt(first.body, 'metadata', 'continue') ?? '';
  assert.equal((await call('GET', `${maps}?limit=1&continue=${next}`)).code, 200);
  await call('DELETE', `${maps}/c`);
  server.compact();
  const late = await call('GET', `${maps}?limit=1&continue=${next}`);
  assert.deepEqual([late.code, late.body.code, late.body.reason], [410, 410, 'Expired']);
});

test('a watch from a compacted version gets 410, reason Expired, and a watch from now does not', async () => {
  const old = stringAt((await call('GET', maps)).body, 'metadata', 'resourceVersion') ?? '';
  await call('POST', maps, { metadata: { name: 'later' } });
  server.compact();
  const event = (await call('GET', `${maps}?watch=1&timeoutSeconds=1&resourceVersion=${old}`)).body;
  assert.deepEqual(
    [event.type, valueAt(event, 'object', 'code'), valueAt(event, 'object', 'reason')],
    ['ERROR', 410, 'Expired'],
  );
  const now = stringAt((await call('GET', maps)).body, 'metadata', 'resourceVersion') ?? '';
  const bookmark = (
    await call('GET', `${maps}?watch=1&timeoutSeconds=1&allowWatchBookmarks=1&resourceVersion=${now}`)
  ).body;
  assert.equal(bookmark.type, 'BOOKMARK');
});

test('a watch that begins too far behind gets 410, and one from now gets all objects, however large', async () => {
  const old = stringAt((await call('GET', maps)).body, 'metadata', 'resourceVersion') ?? '';
  const names = Array.from({ length: 10 }, (_, at) => `large-${at}`);
  for (const name of names)
    await call('POST', maps, { metadata: { name }, data: { a: 'x'.repeat(2_000_000) } });
  const event = (await call('GET', `${maps}?watch=1&timeoutSeconds=1&resourceVersion=${old}`)).body;
  assert.deepEqual(
    [event.type, valueAt(event, 'object', 'code'), valueAt(event, 'object', 'reason')],
    ['ERROR', 410, 'Expired'],
  );
  const headers = { authorization: `Bearer ${token}` };
  const url = `http://127.0.0.1:${port}${maps}?watch=1&timeoutSeconds=1`;
  const lines = (await (await fetch(url, { headers })).text()).trimEnd().split('\n');
  const seen = lines.map((line) => valueAt(JSON.parse(line), 'object', 'metadata', 'name'));
  assert.deepEqual(
    names.filter((name) => !seen.includes(name)),
    [],
  );
  for (const name of names) await call('DELETE', `${maps}/${name}`);
});

test('a request without the token, or with another one, is refused', async () => {
  for (const authorization of ['', 'Bearer', 'Bearer secre', 'Bearer secrets', 'Basic secret'])
    assert.equal((await call('GET', maps, undefined, { authorization })).code, 401, authorization);
});

test('a body above three megabytes is refused', async () => {
  const { code } = await call('POST', maps, {
    metadata: { name: 'big' },
    data: { a: 'x'.repeat(3 * 1024 * 1024) },
  });
  assert.equal(code, 413);
});

test('a field named __proto__ is refused in every spelling, in objects and in patches', async () => {
  const bodies = [
    '{"metadata":{"name":"p"},"__proto__":{"data":{"a":"1"}}}',
    '{"metadata":{"name":"p"},"data":{"\\u005f_proto__":"1"}}',
  ];
  for (const body of bodies) assert.equal((await call('POST', maps, body)).code, 400, body);
  const types = ['merge-patch+json', 'strategic-merge-patch+json'];
  for (const type of types) {
    const headers = { 'content-type': `application/${type}` };
    const { code } = await call('PATCH', `${maps}/a`, '{"metadata":{"__proto__":{"labels":{}}}}', headers);
    assert.equal(code, 400, type);
  }
  const yaml = { 'content-type': 'application/yaml' };
  assert.equal(
    (await call('POST', maps, 'metadata: {name: p}\n"\\x5f_proto__": {data: {}}\n', yaml)).code,
    400,
  );
});

test('a JSON patch reaches no field that the object does not have itself', async () => {
  const headers = { 'content-type': 'application/json-patch+json' };
  for (const path of ['/constructor/keys', '/__proto__/polluted', '/constructor/prototype/polluted']) {
    const { code } = await call('PATCH', `${maps}/a`, [{ op: 'add', path, value: 1 }], headers);
    assert.equal(code, 422, path);
  }
  assert.equal(typeof Object.keys, 'function');
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('a path does not lead out of its namespace', async () => {
  for (const path of ['/api/v1/namespaces/kube-system/..%2Fdefault/configmaps/a', `${maps}/..%2Fa`])
    assert.equal((await call('GET', path)).code, 404, path);
  const { code } = await call('POST', maps, { metadata: { name: '../a' } });
  assert.equal(code, 422);
});

test('a warning about a field name that no header can carry is still sent', async () => {
  const warned = await call('POST', maps, { metadata: { name: 'warned' }, '→\n': 1 });
  assert.equal(warned.code, 201);
  assert.match(warned.headers.get('warning') ?? '', /^299 - "unknown field \\"\?/);
});

test('an apply whose name differs from its path is refused', async () => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } };
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  assert.equal((await call('PATCH', `${maps}/named?fieldManager=m`, body, headers)).code, 400);
});

test('a client that does not read its watch does not end the server', async () => {
  for (let at = 0; at < 6; at++)
    await call('POST', maps, { metadata: { name: `fat-${at}` }, data: { a: 'x'.repeat(2_000_000) } });
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET ${maps}?watch=1&timeoutSeconds=1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('readable', resolve));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal((await call('POST', maps, { metadata: { name: 'after-the-end' } })).code, 201);
  assert.equal((await call('GET', `${maps}/after-the-end`)).code, 200);
  socket.destroy();
});

test('a create is refused when the deletion of its namespace begins meanwhile', async () => {
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'slow' } });
  const creating = call('POST', '/api/v1/namespaces/slow/configmaps', { metadata: { name: 'late' } });
  await began.promise;
  await call('DELETE', '/api/v1/namespaces/slow');
  goesOn.resolve();
  const { code } = await creating;
  assert.ok(code === 403 || code === 404, String(code));
});

test('Services that are created at the same time get different addresses and ports', async () => {
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'slow-services' } });
  const made = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      call('POST', '/api/v1/namespaces/slow-services/services', {
        metadata: { name },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      }),
    ),
  );
  assert.deepEqual(
    made.map(({ code }) => code),
    [201, 201, 201],
  );
  assert.equal(new Set(made.map(({ body }) => stringAt(body, 'spec', 'clusterIP'))).size, 3);
  assert.equal(
    new Set(made.map(({ body }) => valueAt(listAt(body, 'spec', 'ports')[0], 'nodePort'))).size,
    3,
  );
});

/** A body as typed clients in Go send it. */
function protobuf(apiVersion: string, kind: string, object: Message): Uint8Array<ArrayBuffer> {
  const unknown = new Message()
    .message(1, new Message().string(1, apiVersion).string(2, kind))
    .message(2, object);
  return new Uint8Array(Buffer.concat([Buffer.from('k8s\0'), unknown.done()]));
}

test('a protobuf body replaces an object, or only its status', async () => {
  const lease = (holder: string) =>
    protobuf(
      'coordination.k8s.io/v1',
      'Lease',
      new Message().message(1, new Message().string(1, 'leader')).message(2, new Message().string(1, holder)),
    );
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const asProtobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  assert.equal((await call('POST', leases, lease('one'), asProtobuf)).code, 201);
  const renewed = await call('PUT', `${leases}/leader`, lease('two'), asProtobuf);
  assert.deepEqual([renewed.code, valueAt(renewed.body, 'spec')], [200, { holderIdentity: 'two' }]);
  const pods = '/api/v1/namespaces/default/pods';
  const containers = [{ name: 'c', image: 'i' }];
  await call('POST', pods, { metadata: { name: 'reported' }, spec: { containers } });
  const status = new Message()
    .message(1, new Message().string(1, 'reported'))
    .message(3, new Message().string(1, 'Running').string(6, '10.0.0.9'));
  const reported = await call('PUT', `${pods}/reported/status`, protobuf('v1', 'Pod', status), asProtobuf);
  assert.equal(reported.code, 200, JSON.stringify(reported.body));
  assert.equal(stringAt(reported.body, 'status', 'podIP'), '10.0.0.9');
  assert.deepEqual(stringAt(listAt(reported.body, 'spec', 'containers')[0], 'image'), 'i');
});

test('unknown protobuf fields of a newer client get a warning, and the rest is stored', async () => {
  const newer = new Message().message(1, new Message().string(1, 'newer')).string(99, 'x');
  const { code, headers } = await call('POST', maps, protobuf('v1', 'ConfigMap', newer), {
    'content-type': 'application/vnd.kubernetes.protobuf',
  });
  assert.equal(code, 201);
  assert.match(headers.get('warning') ?? '', /unknown field 99 of core\/v1.ConfigMap/);
});
