// What clients that are no agents may do to the server of the leader.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { after, before, describe, test } from 'node:test';
import * as tls from 'node:tls';
import type { KubeObject, ResourceType } from '#api';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { formatAddress } from '#ip';
import { ANSWERS_PATH, COMMIT_PATH, LEADER_SERVER_NAME, MAXIMUM_COMMIT_BYTES } from '#pools';
import { newKey, selfSigned } from '#program';
import { AgentTokens } from './agent-tokens.ts';
import { agentToken, TokenKube } from './agents-fixture.ts';
import { type Commit, CommitServer } from './commit-server.ts';
import { NodeQuestions } from './node-questions.ts';

const certificate = selfSigned(newKey(), [LEADER_SERVER_NAME], Date.now());
const agentUser = 'system:serviceaccount:kube-system:orbweaver-agent';
const allocation = JSON.stringify({
  operation: { verb: 'allocate', owner: { pod: 'default/a', podUid: 'a', nic: 'eth0' } },
});
const given = { family: 4, value: 0x0a060101n } as const;
const commit: Commit = async () => ({
  outcome: { verb: 'allocated', address: given, held: false },
  resourceVersion: '7',
});

describe('the server of the leader', () => {
  const kube = new TokenKube();
  const tokens = new AgentTokens({ client: kube, clock: new FakeClock(), agentUser });
  const questions = new NodeQuestions(new FakeClock());
  const server = new CommitServer({ log: silentLogger, tokens, questions, certificate });
  const term = new AbortController();
  let port = 0;
  let session: http2.ClientHttp2Session;
  before(async () => {
    port = await server.listen({ port: 0 });
    server.serve(commit, term.signal);
    session = http2.connect(`https://127.0.0.1:${port}`, {
      ca: certificate.certificate,
      servername: LEADER_SERVER_NAME,
    });
  });
  after(() => {
    session.destroy();
    server.stop();
  });

  /** Status and text of the answer. */
  const ask = (body: string, { path = `${COMMIT_PATH}p`, method = 'POST', token = agentToken } = {}) =>
    new Promise<[number, string]>((resolve, reject) => {
      const stream = session.request({ ':path': path, ':method': method, authorization: `Bearer ${token}` });
      let [status, text] = [0, ''];
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('end', () => resolve([status, text]));
      stream.on('error', reject);
      stream.end(method === 'GET' ? undefined : body);
    });

  test('an agent is served, and counts as one that writes from then on', async () => {
    assert.equal(
      (await ask('{"answers":{"a":5}}', { path: ANSWERS_PATH, token: `${agentToken}#node1` }))[0],
      400,
    );
    assert.equal(server.agents, 0, 'who is only asked about sandboxes has nothing to write');
    const [status, text] = await ask(allocation);
    assert.equal(status, 200);
    const address = formatAddress(given);
    assert.deepEqual(JSON.parse(text), {
      outcome: { verb: 'allocated', address, held: false },
      resourceVersion: '7',
    });
    assert.equal(server.agents, 1);
  });

  for (const [what, body, part] of [
    ['no JSON', '{', 'it is not JSON'],
    ['an empty body', '', 'it is not JSON'],
    ['an unknown verb', '{"operation":{"verb":"drop"}}', 'verb'],
    ['an unknown field', allocation.replace('"verb"', '"force":true,"verb"'), 'force'],
    ['an owner without UID', allocation.replace('"podUid":"a"', '"podUid":""'), 'podUid'],
    [
      'a request that is no address',
      allocation.replace('"owner"', '"requested":"10.6.1","owner"'),
      'requested',
    ],
    ['a quarantine that is no address', `{"quarantined":{"x":1},${allocation.slice(1)}`, 'quarantined'],
    ['a huge text', allocation.replace('default/a', 'x'.repeat(600)), 'pod'],
  ] as const) {
    test(`${what} is refused with 400, and the answer says where`, async () => {
      const [status, text] = await ask(body);
      assert.deepEqual([status, text.includes(part)], [400, true], text);
    });
  }

  test('other paths, methods and tokens are refused', async () => {
    assert.equal((await ask(allocation, { path: '/' }))[0], 404);
    assert.equal((await ask(allocation, { path: `${COMMIT_PATH}%zz` }))[0], 400);
    assert.equal((await ask('', { method: 'GET' }))[0], 405);
    for (const token of [
      'x',
      'default/default@orbweaver-controller',
      'kube-system/orbweaver-agent@kubernetes',
    ]) {
      assert.equal((await ask(allocation, { token }))[0], 401);
    }
  });

  test('a body that is too long is refused with 413', async () => {
    assert.equal((await ask('x'.repeat(MAXIMUM_COMMIT_BYTES + 1)))[0], 413);
  });

  test('the API server is asked once for a token of many requests', async () => {
    const asked = kube.calls.length;
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(allocation)));
    assert.ok(answers.every(([status]) => status === 200));
    assert.equal(kube.calls.length, asked);
  });

  test('noise, plain text, idle connections and broken requests end nothing', async () => {
    const plain = net.connect(port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'.repeat(100)));
    const idle = net.connect(port, '127.0.0.1');
    const noise = tls.connect(
      {
        port,
        host: '127.0.0.1',
        ca: certificate.certificate,
        servername: LEADER_SERVER_NAME,
        ALPNProtocols: ['h2'],
      },
      () => noise.write('x'.repeat(10_000)),
    );
    for (const socket of [plain, idle, noise]) socket.on('error', () => {});
    const broken = session.request({ ':path': `${COMMIT_PATH}p`, ':method': 'POST' });
    broken.on('error', () => {});
    broken.write('{"operation"');
    broken.close(http2.constants.NGHTTP2_CANCEL);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await ask(allocation))[0], 200);
    for (const socket of [plain, idle, noise]) socket.destroy();
  });

  test('when it leads no more, agents are disconnected and refused', async () => {
    const closed = new Promise((resolve) => session.once('close', resolve));
    term.abort();
    await closed;
    session = http2.connect(`https://127.0.0.1:${port}`, {
      ca: certificate.certificate,
      servername: LEADER_SERVER_NAME,
    });
    assert.deepEqual(await ask(allocation), [503, 'this controller does not lead\n']);
  });
});

test('a stranger, a half request and a body without an end are closed in time, and keep nobody waiting', async () => {
  const tokens = new AgentTokens({ client: new TokenKube(), clock: new FakeClock(), agentUser });
  const questions = new NodeQuestions(new FakeClock());
  const server = new CommitServer({ log: silentLogger, tokens, questions, certificate, requestMs: 300 });
  const term = new AbortController();
  const port = await server.listen({ port: 0 });
  server.serve(commit, term.signal);
  const connect = () => {
    const session = http2.connect(`https://127.0.0.1:${port}`, {
      ca: certificate.certificate,
      servername: LEADER_SERVER_NAME,
    });
    session.on('error', () => {});
    return session;
  };
  /** Resolves with the status when the server has closed the stream, which the client keeps open. */
  const half = (session: http2.ClientHttp2Session, body: string, token = agentToken) =>
    new Promise<number>((resolve) => {
      const stream = session.request({
        ':path': `${COMMIT_PATH}p`,
        ':method': 'POST',
        authorization: `Bearer ${token}`,
      });
      let status = 0;
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('error', () => {});
      stream.on('aborted', () => resolve(status));
      stream.resume();
      stream.write(body);
    });
  const [agent, stranger] = [connect(), connect()];
  const gone = new Promise<string>((resolve) => stranger.once('close', () => resolve('closed')));
  assert.equal(await half(stranger, '{', 'wrong'), 401);
  assert.equal(await half(agent, 'x'.repeat(1_000_000)), 413);
  assert.equal(await half(agent, '{'), 0);
  assert.equal(await gone, 'closed');
  assert.equal(agent.destroyed, false);
  server.stop();
  agent.destroy();
});

test('who holds all connections does not keep agents out, whose own stay open', async (t) => {
  const tokens = new AgentTokens({ client: new TokenKube(), clock: new FakeClock(), agentUser });
  const questions = new NodeQuestions(new FakeClock());
  const server = new CommitServer({ log: silentLogger, tokens, questions, certificate, mostConnections: 10 });
  const term = new AbortController();
  const port = await server.listen({ port: 0 });
  server.serve(commit, term.signal);
  t.after(() => server.stop());
  const connect = () =>
    http2.connect(`https://127.0.0.1:${port}`, {
      ca: certificate.certificate,
      servername: LEADER_SERVER_NAME,
    });
  const ask = (session: http2.ClientHttp2Session) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        ':path': `${COMMIT_PATH}p`,
        ':method': 'POST',
        authorization: `Bearer ${agentToken}`,
      };
      const stream = session.request(headers);
      stream.on('response', (answer) => resolve(answer[':status'] ?? 0)).on('error', reject);
      stream.resume().end(allocation);
    });
  const first = connect();
  t.after(() => first.destroy());
  assert.equal(await ask(first), 200);
  for (let i = 0; i < 30; i++) {
    // Half from another address, half from that of the agents, as pods behind the address of their node.
    const localAddress = i % 2 === 0 ? '127.0.0.2' : '127.0.0.1';
    const intruder = net.connect({ port, host: '127.0.0.1', localAddress });
    intruder.on('error', () => {});
    await once(intruder, 'connect');
    t.after(() => intruder.destroy());
  }
  const second = connect();
  t.after(() => second.destroy());
  assert.deepEqual(await Promise.all([ask(first), ask(second)]), [200, 200]);
});

test('the API server is asked about fifty tokens at one time', { timeout: 10_000 }, async () => {
  let [now, most] = [0, 0];
  class SlowKube extends TokenKube {
    override async create<T extends KubeObject>(type: ResourceType<T>, object: T): Promise<T> {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now -= 1;
      if (JSON.stringify(object).includes('broken')) throw new Error('the server is away');
      return super.create(type, object);
    }
  }
  const tokens = new AgentTokens({ client: new SlowKube(), clock: new FakeClock(), agentUser });
  const { signal } = new AbortController();
  const wrong = Array.from({ length: 300 }, (_, index) => tokens.agentOf(`broken${index}`, signal));
  const agent = tokens.agentOf(agentToken, signal);
  await Promise.allSettled(wrong);
  assert.deepEqual(await agent, { node: undefined });
  assert.equal(most, 50);
});
