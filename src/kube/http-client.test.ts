import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { resources, unreadableNote } from '#api';
import { isOrbError, silentLogger } from '#base';
import type { WatchEvent } from './client.ts';
import { connect } from './http-client.ts';
import { Reflector } from './reflector.ts';

let cleanup: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanup) clean();
  cleanup = [];
});

/** A server that answers as `answer` says; `requests` lists what was asked. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const config = { server: url, tls: {}, authorization: () => 'Bearer secret', namespace: 'default' };
  const client = connect(config, { log: silentLogger });
  cleanup.push(
    () => client.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { client, requests, server };
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function namespace(name: string, resourceVersion = '1') {
  return { metadata: { name, uid: `uid-${name}`, resourceVersion, managedFields: [{ manager: 'kubectl' }] } };
}

function queryOf(request: IncomingMessage): URLSearchParams {
  return new URL(request.url ?? '', 'http://server').searchParams;
}

for (const [status, reason, code] of [
  [404, 'NotFound', 'KUBE_NOT_FOUND'],
  [409, 'Conflict', 'KUBE_CONFLICT'],
  [409, 'AlreadyExists', 'KUBE_ALREADY_EXISTS'],
  [410, 'Expired', 'KUBE_EXPIRED'],
  [422, 'Invalid', 'KUBE_INVALID'],
  [403, 'Forbidden', 'KUBE_FORBIDDEN'],
  [500, 'InternalError', 'KUBE_UNREACHABLE'],
] as const) {
  test(`an answer ${status} ${reason} is ${code} in the server's own words`, async () => {
    const { client } = await serve((_, response) => json(response, status, { reason, message: 'as I said' }));
    await assert.rejects(client.get(resources.namespaces, { name: 'a' }), { code, said: 'as I said' });
  });
}

test('a list reads all pages, drops managedFields, and starts again when its snapshot has expired', async () => {
  let expired = false;
  const { client, requests } = await serve((request, response) => {
    const next = queryOf(request).get('continue');
    if (next === null)
      return json(response, 200, {
        items: [namespace('a')],
        metadata: { continue: 'more', resourceVersion: '7' },
      });
    if (!expired) {
      expired = true;
      return json(response, 410, { reason: 'Expired' });
    }
    return json(response, 200, { items: [namespace('b')], metadata: { resourceVersion: '7' } });
  });
  const list = await client.list(resources.namespaces);
  assert.deepEqual(
    list.items.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
  assert.equal(list.resourceVersion, '7');
  assert.ok(list.items.every(({ metadata }) => !('managedFields' in metadata)));
  assert.equal(requests.length, 4);
  assert.match(requests[0] ?? '', /limit=500/);
});

test('a server that never ends a list, or answers null, is told as such', async () => {
  const endless = await serve((_, response) =>
    json(response, 200, { items: [], metadata: { continue: 'same', resourceVersion: '7' } }),
  );
  await assert.rejects(endless.client.list(resources.namespaces), {
    code: 'KUBE_MALFORMED',
    message: /goes on with the same page/,
  });
  assert.equal(endless.requests.length, 2);
  const empty = await serve((_, response) => json(response, 200, null));
  await assert.rejects(empty.client.list(resources.namespaces), { code: 'KUBE_MALFORMED' });
});

test('a read is repeated after 429 and Retry-After, a create is not', async () => {
  const { client, requests } = await serve((request, response) => {
    if (requests.length > 1 && request.method === 'GET') return json(response, 200, namespace('a'));
    return json(response, 429, { reason: 'TooManyRequests' }, { 'retry-after': '0' });
  });
  assert.equal((await client.get(resources.namespaces, { name: 'a' })).metadata.name, 'a');
  await assert.rejects(client.create(resources.namespaces, namespace('b')), { code: 'KUBE_UNREACHABLE' });
  assert.equal(requests.length, 3);
});

test('a server that is away is KUBE_UNREACHABLE, and a caller who leaves gets his own reason', async () => {
  const { client, server } = await serve(() => {});
  const reason = new Error('I left');
  const leaving = new AbortController();
  const left = client.get(resources.namespaces, { name: 'a' }, { signal: leaving.signal });
  setImmediate(() => leaving.abort(reason));
  await assert.rejects(left, reason);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(client.get(resources.namespaces, { name: 'a' }), { code: 'KUBE_UNREACHABLE' });
});

test('a watch yields events and bookmarks from split chunks, and an ERROR event is thrown as its refusal', async () => {
  const lines = [
    { type: 'ADDED', object: namespace('ä') },
    { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
    { type: 'ERROR', object: { code: 410, reason: 'Expired' } },
  ];
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { client, requests } = await serve((_, response) => {
    response.writeHead(200);
    for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
  });
  const seen: WatchEvent<unknown>[] = [];
  const watching = async () => {
    const options = { signal: new AbortController().signal };
    for await (const event of client.watch(resources.namespaces, { resourceVersion: '5' }, options))
      seen.push(event);
  };
  await assert.rejects(watching(), { code: 'KUBE_EXPIRED' });
  assert.deepEqual(
    seen.map((event) => event.type),
    ['ADDED', 'BOOKMARK'],
  );
  assert.match(requests[0] ?? '', /resourceVersion=5&allowWatchBookmarks=true&timeoutSeconds=[345]\d\d/);
});

test('a list leaves out an object that does not fit its schema, and a read of it is refused', async () => {
  const broken = { ...namespace('broken'), metadata: { name: 5 } };
  const { client } = await serve((request, response) =>
    json(
      response,
      200,
      queryOf(request).has('limit')
        ? { items: [namespace('a'), broken], metadata: { resourceVersion: '7' } }
        : broken,
    ),
  );
  assert.equal((await client.list(resources.namespaces)).items.length, 1);
  await assert.rejects(client.get(resources.namespaces, { name: 'broken' }), (error) =>
    isOrbError(error, 'KUBE_MALFORMED'),
  );
});

for (const answer of [
  {},
  { items: [], metadata: {} },
  { items: [], metadata: { resourceVersion: '' } },
  { kind: 'Status', metadata: {} },
  { items: 5, metadata: { resourceVersion: '7' } },
]) {
  test(`an answer to a list that is no list is not taken for an empty one: ${JSON.stringify(answer)}`, async () => {
    const { client } = await serve((_, response) => json(response, 200, answer));
    await assert.rejects(client.list(resources.namespaces), { code: 'KUBE_MALFORMED' });
  });
}

test('a line that does not say which object has changed ends a watch, and a deletion in any state counts', async () => {
  const lines = [
    'null',
    '{"type":"ADDED"}',
    '{"type":"ADDED","object":null}',
    '{"type":"DELETED","object":{"metadata":{"resourceVersion":"9"}}}',
    '{"type":"DELETED","object":{"metadata":{"name":"a"}}}',
    '{"type":"BOOKMARK","object":{"metadata":{}}}',
    '{"object":{"metadata":{"name":"a","resourceVersion":"9"}}}',
  ];
  const { client } = await serve((_, response) => void response.writeHead(200).end(`${lines.shift()}\n`));
  const read = async () => {
    const types: string[] = [];
    const options = { signal: new AbortController().signal };
    for await (const { type } of client.watch(resources.namespaces, { resourceVersion: '5' }, options))
      types.push(type);
    return types;
  };
  while (lines.length > 0) await assert.rejects(read(), { code: 'KUBE_MALFORMED' }, lines[0] ?? '');
  const metadata = { name: 'a', resourceVersion: '9', labels: 5 };
  for (const type of ['MODIFIED', 'DELETED']) lines.push(JSON.stringify({ type, object: { metadata } }));
  assert.deepEqual(await read(), []);
  assert.deepEqual(await read(), ['DELETED']);
});

test('an object of our kinds that does not fit its schema comes without spec, with its conditions and a note', async () => {
  const pool = {
    metadata: { name: 'p', resourceVersion: '6' },
    spec: { subnet: 7 },
    status: { conditions: [{ type: 'Ready', status: 'False' }], allocatedIPs: 7 },
  };
  const { client } = await serve((request, response) => {
    if (!queryOf(request).has('watch'))
      return json(response, 200, { items: [pool], metadata: { resourceVersion: '5' } });
    response.end(`${JSON.stringify({ type: 'DELETED', object: pool })}\n`);
  });
  const [listed] = (await client.list(resources.spiderIPPools)).items;
  assert.deepEqual([listed?.spec, listed?.status?.conditions?.length], [undefined, 1]);
  assert.match(listed === undefined ? '' : (unreadableNote(listed) ?? ''), /does not fit.*subnet/s);
  assert.doesNotMatch(JSON.stringify(listed), /fit/, 'the note is not written to a server');
  const signal = AbortSignal.timeout(5_000);
  const watch = client.watch(resources.spiderIPPools, { resourceVersion: '5' }, { signal });
  const events = [];
  for await (const event of watch) events.push(event.type);
  assert.deepEqual(events, ['DELETED'], 'its deletion is seen');
});

test('a reflector resumes after a TCP reset without a list, and after a broken line or a 410 with a list', async () => {
  const watches: ServerResponse[] = [];
  let watching: () => void = () => {};
  let lists = 0;
  const { client } = await serve((request, response) => {
    if (!queryOf(request).has('watch')) {
      lists += 1;
      return json(response, 200, {
        items: [namespace('a', String(lists))],
        metadata: { resourceVersion: '5' },
      });
    }
    response.writeHead(200);
    response.flushHeaders();
    watches.push(response);
    watching();
  });
  const nextWatch = () =>
    new Promise<ServerResponse>((resolve) => {
      watching = () => resolve(watches.at(-1) as ServerResponse);
    });
  const clock = {
    now: Date.now,
    monotonic: () => performance.now(),
    sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  const first = nextWatch();
  const reflector = new Reflector({ client, type: resources.namespaces, clock, log: silentLogger }).start();
  await reflector.ready;
  const breaks: ((response: ServerResponse) => void)[] = [
    (response) => response.socket?.resetAndDestroy(),
    (response) => response.write('{"type": "ADDED", "obj\n'),
    (response) => response.write(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`),
  ];
  let response = await first;
  const listsAfter: number[] = [];
  for (const broken of breaks) {
    const next = nextWatch();
    broken(response);
    response = await next;
    listsAfter.push(lists);
  }
  assert.deepEqual(listsAfter, [1, 2, 3]);
  assert.equal(reflector.statistics.malformed, 1);
  response.write(`${JSON.stringify({ type: 'ADDED', object: namespace('b', '8') })}\n`);
  for (let i = 0; i < 2000 && reflector.store.list().length < 2; i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(
    reflector.store.list().map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
  await reflector.stop();
});
