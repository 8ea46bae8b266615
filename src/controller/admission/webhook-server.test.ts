// What clients may do to the server of the webhooks.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { silentLogger } from '#base';
import { newIdentity } from './identity.ts';
import type { ReviewRequest } from './review.ts';
import { type Reviewer, WebhookServer } from './webhook-server.ts';

const identity = newIdentity(['hook.svc'], Date.now());
const reviewers = new Map<string, Reviewer>([
  ['/validate', ({ name }: ReviewRequest) => ({ allowed: name !== 'bad' })],
  [
    '/bug',
    () => {
      throw new TypeError('a bug');
    },
  ],
]);
const server = new WebhookServer({ log: silentLogger, reviewers });
let usualPort: number;
before(async () => {
  server.show(identity.serving);
  usualPort = await server.listen(0);
});
after(() => server.stop());

const tls = { ca: identity.authorities.join(''), servername: 'hook.svc' };
const json = { 'content-type': 'application/json' };

function call(
  body: string,
  { path = '/validate', method = 'POST', headers = json as object, port = usualPort } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path, method, headers: { ...headers }, agent: false, ...tls };
    const request = httpsRequest(options as object, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

function review(change: object = {}): string {
  const request = {
    uid: 'u1',
    kind: { group: 'g', version: 'v1', kind: 'Thing' },
    resource: { group: 'g', version: 'v1', resource: 'things' },
    operation: 'CREATE',
    name: 'a',
    object: { metadata: { name: 'a' } },
    ...change,
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

/** The server is as it was. */
async function stillServes(): Promise<void> {
  assert.deepEqual(JSON.parse((await call(review())).text), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u1', allowed: true },
  });
}

test('what is no review of this version is refused with the field, and the server serves on', async () => {
  const cases: [string, number, RegExp][] = [
    ['{"a":', 400, /is not valid JSON/],
    ['[]', 400, /must be of type object/],
    ['{}', 400, /apiVersion: is required/],
    [review().replace('k8s.io/v1', 'k8s.io/v1beta1'), 400, /apiVersion: "admission\.k8s\.io\/v1beta1"/],
    [review({ uid: '' }), 400, /request\.uid/],
    [review({ operation: 'CONNECT' }), 400, /request\.operation: "CONNECT"/],
    [review({ object: null }), 400, /request\.object of CREATE: null/],
    [review({ operation: 'DELETE' }), 400, /request\.oldObject of DELETE: .*is required/],
    [review({ object: [] }), 400, /request\.object/],
    ['['.repeat(100_000), 400, /nested more than 200 levels/],
    [`{"a":"${'\\'.repeat(200_001)}`, 400, /is not valid JSON/],
  ];
  for (const [body, status, text] of cases) {
    const answer = await call(body);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, text);
    assert.ok(answer.text.length < 1000);
  }
  await stillServes();
});

test('other paths, methods and types are refused, and a bug answers 500 alone', async () => {
  assert.equal((await call(review(), { path: '/other' })).status, 404);
  assert.equal((await call('', { method: 'GET' })).status, 405);
  assert.equal((await call(review(), { headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.equal((await call(review(), { path: '/bug' })).status, 500);
  assert.equal((await call('', { path: '/webhook-health-check', method: 'GET' })).status, 200);
  await stillServes();
});

test('while the cluster is not known nothing is judged, and the policy of the webhook decides', async (t) => {
  let reason: string | undefined = 'still reading';
  const early = new WebhookServer({ log: silentLogger, reviewers, unready: () => reason });
  t.after(() => early.stop());
  early.show(identity.serving);
  const place = { port: await early.listen(0) };
  const refused = await call(review(), place);
  assert.deepEqual([refused.status, refused.text], [503, 'still reading']);
  reason = undefined;
  assert.equal((await call(review(), place)).status, 200);
});

test('a huge review is refused, and its bytes are forgotten', async () => {
  const huge = review({ object: { text: 'x'.repeat(5 * 1024 * 1024) } });
  // Twenty of them are more than the server holds at once.
  for (let turn = 0; turn < 20; turn++) {
    const answer = await call(huge);
    assert.deepEqual([answer.status, answer.text], [413, 'a review has at most 4194304 bytes']);
  }
  await stillServes();
});

test('slow clients are disconnected: before the handshake, in the headers and in the body', {
  timeout: 20_000,
}, async (t) => {
  const hasty = new WebhookServer({ log: silentLogger, reviewers, requestMs: 500 });
  t.after(() => hasty.stop());
  hasty.show(identity.serving);
  const place = { port: await hasty.listen(0), host: '127.0.0.1' };
  const silent = connectTcp(place);
  const headers = connectTls({ ...place, ...tls });
  headers.write('POST /validate HTTP/1.1\r\n');
  const body = connectTls({ ...place, ...tls });
  body.write(
    'POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  );
  await Promise.all(
    [silent, headers, body].map(async (socket) => {
      socket.on('error', () => {}).resume();
      await once(socket, 'close');
    }),
  );
  await stillServes();
});

test('who holds all connections does not keep the API server out, whose own stay open', async (t) => {
  const small = new WebhookServer({ log: silentLogger, reviewers, mostConnections: 20 });
  small.show(identity.serving);
  const place = { port: await small.listen(0), host: '127.0.0.1' };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const intruders: Socket[] = [];
  t.after(() => {
    agent.destroy();
    for (const socket of intruders) socket.destroy();
    return small.stop();
  });
  let closed = 0;
  const lost = Promise.withResolvers<void>();
  const ports = new Set<number | undefined>();
  for (let turn = 0; turn < 5; turn++) {
    for (let i = 0; i < 10; i++) {
      const socket = connectTcp({ ...place, localAddress: '127.0.0.2' });
      socket.resume().on('error', () => {});
      socket.on('close', () => {
        closed += 1;
        if (closed === 31) lost.resolve();
      });
      await once(socket, 'connect');
      intruders.push(socket);
    }
    const status = await new Promise((resolve, reject) => {
      const options = { ...place, ...tls, agent, path: '/validate', method: 'POST', headers: json };
      const request = httpsRequest(options as object, (response) => {
        ports.add(request.socket?.localPort);
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject).end(review());
    });
    assert.equal(status, 200);
  }
  assert.equal(ports.size, 1, 'its connection was closed');
  // Of fifty, nineteen are left.
  await lost.promise;
});

test('who says nothing does not hold up the end of the server', { timeout: 8000 }, async (t) => {
  const ending = new WebhookServer({ log: silentLogger, reviewers });
  ending.show(identity.serving);
  const silent = connectTcp({ port: await ending.listen(0), host: '127.0.0.1' });
  t.after(() => silent.destroy());
  silent.resume().on('error', () => {});
  await once(silent, 'connect');
  await Promise.all([ending.stop(), once(silent, 'close')]);
});

test('plain HTTP gets no answer of HTTP, and no TLS is left out', async () => {
  const socket = connectTcp({ port: usualPort, host: '127.0.0.1' });
  let said = Buffer.alloc(0);
  socket.on('error', () => {}).on('data', (chunk) => (said = Buffer.concat([said, chunk])));
  socket.write(`POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\r\n${review()}`);
  await once(socket, 'close');
  assert.doesNotMatch(said.toString('latin1'), /HTTP|allowed/);
  await stillServes();
});

test('a client that trusts another authority does not send its review', async () => {
  const other = newIdentity(['hook.svc'], Date.now());
  const socket = connectTls({ port: usualPort, host: '127.0.0.1', ...tls, ca: other.authorities.join('') });
  await assert.rejects(once(socket, 'secureConnect'), /self-signed certificate|unable to verify|signature/);
  await stillServes();
});

test('two hundred reviews at once are all answered', async () => {
  const names = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? 'good' : 'bad'));
  const answers = await Promise.all(names.map((name) => call(review({ name, uid: name }))));
  const said = answers.map(({ text }) => (JSON.parse(text) as { response: object }).response);
  assert.deepEqual(
    said,
    names.map((name) => ({ uid: name, allowed: name === 'good' })),
  );
});

test('TLS older than 1.2 and another name are not accepted, and new certificates are shown at once', async () => {
  const old = connectTls({
    port: usualPort,
    host: '127.0.0.1',
    ...tls,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
  });
  await assert.rejects(once(old, 'secureConnect'));
  const shown = async () => {
    const socket = connectTls({ port: usualPort, host: '127.0.0.1', ...tls, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await shown();
  server.show(newIdentity(['hook.svc'], Date.now()).serving);
  assert.notEqual(await shown(), before);
  server.show(identity.serving);
  await stillServes();
});
