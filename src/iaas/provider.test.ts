// The client of a provider, on a server that fails in many ways.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { deadlineSignal, type ErrorCode, isOrbError, systemClock } from '#base';
import { FakeClock } from '#base/testing';
import { parseAddress, parseNetwork } from '#ip';
import type { BoundAddress } from '#plan/iaas';
import { newKey, selfSigned } from '#program';
import { answerJson, FakeProvider, type Fault, macOf } from './testing/index.ts';

let provider: FakeProvider;
beforeEach(async () => {
  provider = new FakeProvider();
  await provider.start();
});
afterEach(() => provider.close());

const bound: BoundAddress = {
  pod: { namespace: 'default', name: 'web', uid: 'uid-web' },
  node: 'node1',
  parentNicMac: 'fa:16:3e:11:22:33',
  address: parseAddress('10.6.0.1'),
  subnet: parseNetwork('10.6.0.0/16'),
};
const signal = new AbortController().signal;

const fails = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isOrbError(error), String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('an address is bound and let go over one connection that stays open', async () => {
  const client = provider.client();
  assert.deepEqual(await client.bind(bound, signal), { mac: macOf('10.6.0.1'), vlan: 100 });
  assert.equal(provider.bound.get('10.6.0.1')?.node, 'node1');
  await client.release(bound, signal);
  await client.release(bound, signal);
  assert.deepEqual(provider.asked, ['allocate-ips 10.6.0.1', 'release-ip 10.6.0.1', 'release-ip 10.6.0.1']);
  assert.deepEqual([provider.bound.size, provider.connections], [0, 1]);
});

test('the provider is told how long an answer is waited for: never longer than the request may take', async () => {
  const client = provider.client({ timeoutMs: 50_000 });
  await client.bind(bound, signal);
  await client.bind(bound, deadlineSignal([signal], systemClock.monotonic() + 3_000));
  await client.release(bound, signal, 1_000);
  const told = provider.requests.map(({ headers }) => Number(headers['x-request-timeout-ms']));
  const [usual = 0, short = 0, patient = 0] = told;
  assert.deepEqual([usual, patient], [50_000, 1_000]);
  assert.ok(short > 0 && short <= 3_000, String(short));
});

/** Waits until so many requests wait for an answer. */
async function untilHeld(held: readonly unknown[], requests: number): Promise<void> {
  for (let tries = 0; held.length < requests; tries++) {
    if (tries === 400) assert.fail(`${held.length} requests came`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const after = (work: (response: Parameters<Fault>[1]) => void): Fault => {
  return (_, response) => {
    work(response);
    return true;
  };
};
const html = '<html><head><title>502</title></head><body>Bad Gateway</body></html>';
const faults: [string, ErrorCode, RegExp, Fault][] = [
  [
    'refuses',
    'IAAS_REFUSED',
    /answered 422 to allocate-ips: cannot bind address 10.6.0.1 to node node1: .*full/,
    after((r) => answerJson(r, { error: 'subnet is full' }, 422)),
  ],
  [
    'answers with a page of a proxy',
    'IAAS_UNREACHABLE',
    /answered 502 .*: 502 Bad Gateway$/,
    after((r) => r.writeHead(502).end(html)),
  ],
  [
    'leads elsewhere',
    'IAAS_REFUSED',
    /answered 302/,
    after((r) => r.writeHead(302, { location: '/login' }).end()),
  ],
  [
    'answers with a page as if it were well',
    'IAAS_ANSWER_INVALID',
    /is not JSON/,
    after((r) => r.writeHead(200).end(html)),
  ],
  [
    'answers about another address',
    'IAAS_ANSWER_INVALID',
    /10\.6\.9\.9/,
    after((r) => answerJson(r, { iaasIPsAllocationResponse: [{ ipAddress: '10.6.9.9' }] })),
  ],
  [
    'answers without end',
    'IAAS_UNREACHABLE',
    /longer than 1048576 bytes/,
    after((r) => r.writeHead(200).end('x'.repeat(2 * 1024 * 1024))),
  ],
  [
    'closes the connection',
    'IAAS_UNREACHABLE',
    /does not answer: socket hang up/,
    after((r) => r.socket?.destroy()),
  ],
  [
    'stops in the middle',
    'IAAS_UNREACHABLE',
    /does not answer: aborted/,
    after((r) => {
      r.writeHead(200, { 'content-length': '100' }).write('{');
      r.socket?.end();
    }),
  ],
  ['says nothing', 'IAAS_UNREACHABLE', /does not answer: no answer within 0.2 s/, () => true],
  [
    'says nothing after its head',
    'IAAS_UNREACHABLE',
    /does not answer: no answer within 0.2 s/,
    after((r) => r.writeHead(200).flushHeaders()),
  ],
  [
    'begins an answer without a length, and says no more',
    'IAAS_UNREACHABLE',
    /does not answer: no answer within 0.2 s/,
    after((r) => r.socket?.write('HTTP/1.1 200 OK\r\n\r\n{}')),
  ],
  [
    'leaves HTTP',
    'IAAS_UNREACHABLE',
    /does not answer: the answer, 101, leaves HTTP/,
    after((r) => r.socket?.write('HTTP/1.1 101 Hm\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')),
  ],
];
for (const [what, code, message, fault] of faults) {
  test(`a provider that ${what} is an error that says so`, async () => {
    provider.fault = fault;
    await assert.rejects(provider.client({ timeoutMs: 200 }).bind(bound, signal), fails(code, message));
    provider.fault = () => false;
    assert.equal((await provider.client().bind(bound, signal)).vlan, 100);
  });
}

test('a release is done with any 2xx, whatever the body says', async () => {
  provider.fault = after((response) => response.writeHead(202).end('accepted'));
  await provider.client().release(bound, signal);
  provider.fault = after((response) => response.writeHead(404).end('no such API'));
  await assert.rejects(
    provider.client().release(bound, signal),
    fails('IAAS_REFUSED', /answered 404 to release-ip/),
  );
});

test('the certificate of the provider is verified', async () => {
  const other = provider.file('other.crt', selfSigned(newKey(), ['127.0.0.1'], Date.now()).certificate);
  for (const caFile of ['', other]) {
    const client = provider.client({ tls: { caFile } });
    await assert.rejects(
      client.bind(bound, signal),
      fails('IAAS_UNREACHABLE', /self-signed certificate|verify/),
    );
  }
  const renamed = provider.url.replace('127.0.0.1', 'localhost');
  const client = provider.client({ serverUrl: renamed });
  await assert.rejects(client.bind(bound, signal), fails('IAAS_UNREACHABLE', /altnames/));
  assert.deepEqual(provider.requests, []);
});

test('a certificate that is exchanged in its file counts for the next request', async () => {
  const good = provider.file('good.crt', '');
  const client = provider.client({ tls: { caFile: good } });
  await assert.rejects(client.bind(bound, signal), fails('IAAS_UNREACHABLE', /certificate/));
  const { readFileSync } = await import('node:fs');
  provider.file('good.crt', readFileSync(provider.caFile, 'utf8'));
  assert.equal((await client.bind(bound, signal)).vlan, 100);
  const missing = provider.client({ tls: { caFile: '/none/ca.crt' } });
  await assert.rejects(
    missing.bind(bound, signal),
    fails('IAAS_UNREACHABLE', /tls.caFile \/none\/ca.crt cannot/),
  );
});

test('a provider that wants a certificate of ours gets it', async () => {
  const key = newKey();
  const { certificate } = selfSigned(key, ['orbweaver'], Date.now());
  const strict = new FakeProvider({ requestCert: true, rejectUnauthorized: true, ca: certificate });
  await strict.start();
  try {
    await assert.rejects(strict.client().bind(bound, signal), fails('IAAS_UNREACHABLE', /does not answer/));
    const tls = { certFile: strict.file('tls.crt', certificate), keyFile: strict.file('tls.key', key) };
    assert.equal((await strict.client({ tls }).bind(bound, signal)).vlan, 100);
  } finally {
    strict.close();
  }
});

test('where nobody was answered for seconds, one request at a time tries, and an answer ends it', async () => {
  const clock = new FakeClock();
  const client = provider.client({ clock, timeoutMs: 50_000 });
  const held: Parameters<Fault>[1][] = [];
  provider.fault = (_, response) => held.push(response) > 0;
  const first = client.release(bound, signal);
  await clock.advance(5_000);
  const second = client.release(bound, signal);
  await assert.rejects(client.release(bound, signal), fails('IAAS_UNREACHABLE', /answered nobody for 5 s/));
  await untilHeld(held, 2);
  for (const response of held) answerJson(response, {});
  await Promise.all([first, second]);
  provider.fault = () => false;
  await Promise.all([client.release(bound, signal), client.release(bound, signal)]);
});

test('a provider may bind slowly: others are asked about meanwhile, until the time of a request is over', async () => {
  const clock = new FakeClock();
  const client = provider.client({ clock, timeoutMs: 50_000 });
  const held: Parameters<Fault>[1][] = [];
  provider.fault = ({ verb }, response) => verb === 'allocate-ips' && held.push(response) > 0;
  const asked = [client.bind(bound, signal)];
  await clock.advance(40_000);
  asked.push(client.bind(bound, signal), client.bind(bound, signal));
  await untilHeld(held, 3);
  await clock.advance(10_000);
  asked.push(client.bind(bound, signal));
  await assert.rejects(client.bind(bound, signal), fails('IAAS_UNREACHABLE', /answered nobody for 50 s/));
  await client.release(bound, signal);
  asked.push(client.bind(bound, signal));
  await untilHeld(held, 5);
  for (const response of held) answerJson(response, {}, 409);
  const ends = await Promise.allSettled(asked);
  assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(['rejected']));
});

test('a caller that goes ends the request', async () => {
  provider.fault = () => true;
  const leaving = new AbortController();
  const asked = provider.client().bind(bound, leaving.signal);
  leaving.abort(new Error('the runtime has gone'));
  await assert.rejects(asked, /the runtime has gone/);
});

test('without a URL, what may be bound is not let go', async () => {
  const client = provider.client({ serverUrl: '' });
  assert.equal(client.isThere, false);
  await assert.rejects(client.release(bound, signal), fails('IAAS_UNREACHABLE', /serverUrl is empty/));
});
