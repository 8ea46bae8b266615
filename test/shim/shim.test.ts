import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { always, decodeFrame, encodeFrame, startFakeAgent } from './fake-agent.ts';
import { makeShim, type ShimRun } from './shim.ts';

const shim = makeShim();
/** Soon gives up. */
const hasty = makeShim({ patienceMs: 600, totalMs: 5000 });
after(() => {
  shim[Symbol.dispose]();
  hasty[Symbol.dispose]();
});

const conf = '{"cniVersion":"1.0.0","name":"net","type":"spiderpool"}';
const add = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/x',
  CNI_IFNAME: 'eth0',
  HOME: '/root',
};
const withVerb = (verb: string) => ({ ...add, CNI_COMMAND: verb });

interface CniError {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

function errorOf(run: ShimRun): CniError {
  assert.equal(run.exit, 1, run.stderr);
  return JSON.parse(run.stdout.toString()) as CniError;
}

function queued(): string[] {
  return existsSync(shim.queue) ? readdirSync(shim.queue) : [];
}

test('the request carries type, id, deadline, the set CNI variables, and stdin byte for byte', async () => {
  const stdin = Buffer.concat([Buffer.from(conf), Buffer.from([0, 10, 255])]);
  await using agent = await startFakeAgent(shim.socket, always({ exit: '0', stdout: '{}', log: '' }));
  await shim.run({ env: { ...add, CNI_ARGS: 'A=b;C=d\n', CNI_PATH: '' }, stdin });
  const [request = new Map<string, Buffer>()] = agent.requests;
  const text = (name: string) => request.get(name)?.toString();
  assert.equal(text('type'), 'spiderpool');
  assert.match(text('request') ?? '', /^[0-9a-f]{16}$/);
  assert.ok(Number(text('deadline')) > 60_000 && Number(text('deadline')) <= 90_000);
  assert.equal(text('env:CNI_COMMAND'), 'ADD');
  assert.equal(text('env:CNI_ARGS'), 'A=b;C=d\n');
  assert.equal(text('env:CNI_PATH'), '');
  assert.equal(request.has('env:CNI_NETNS_OVERRIDE'), false);
  assert.equal(request.has('env:HOME'), false);
  assert.deepEqual(request.get('stdin'), stdin);
});

test("the shim passes the agent's stdout and exit code on, and writes its log to stderr with the request id on each line", async () => {
  const stdout = Buffer.from([0x7b, 0, 0xff, 0x0a, 0x7d]);
  await using agent = await startFakeAgent(
    shim.socket,
    always({ log: 'one\ntwo', stdout, future: 'x', exit: '7' }),
  );
  const run = await shim.run({ env: add, stdin: conf });
  const id = agent.requests[0]?.get('request')?.toString();
  assert.deepEqual(run.stdout, stdout);
  assert.equal(run.exit, 7);
  assert.equal(run.stderr, `ow-cni ${id}: one\now-cni ${id}: two\n`);
});

test('the shim passes an answer of 15 MiB on completely', async () => {
  const stdout = Buffer.alloc(15 * 1024 * 1024, 'x');
  await using _agent = await startFakeAgent(shim.socket, always({ exit: '0', stdout, log: '' }));
  const run = await shim.run({ env: add, stdin: conf });
  assert.ok(run.stdout.equals(stdout));
});

test('the shim reads an answer up to its last field, and does not wait for the connection to close', async () => {
  await using _agent = await startFakeAgent(shim.socket, (socket) => {
    socket.write(encodeFrame({ exit: '0', stdout: 'end 0\n\n', log: '' }));
  });
  const run = await shim.run({ env: add, stdin: conf });
  assert.deepEqual([run.exit, run.stdout.toString()], [0, 'end 0\n\n']);
});

test('an answer that arrives byte by byte is understood', async () => {
  await using _agent = await startFakeAgent(shim.socket, (socket) => {
    socket.setNoDelay(true);
    const bytes = [...encodeFrame({ exit: '0', stdout: '{"a":1}', log: '' })];
    const next = (): void => {
      const byte = bytes.shift();
      if (byte === undefined) return;
      socket.write(Buffer.of(byte));
      setImmediate(next);
    };
    next();
  });
  const run = await shim.run({ env: add, stdin: conf });
  assert.deepEqual([run.exit, run.stdout.toString()], [0, '{"a":1}']);
});

test('VERSION needs no agent and answers in the requested version', async () => {
  const run = await shim.run({ env: { CNI_COMMAND: 'VERSION' }, stdin: '{ "cniVersion" : "0.4.0" }' });
  assert.equal(run.exit, 0);
  assert.deepEqual(JSON.parse(run.stdout.toString()), {
    cniVersion: '0.4.0',
    supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  });
});

test('without CNI_COMMAND the shim prints a description on stderr', async () => {
  const run = await shim.run({});
  assert.equal(run.exit, 0);
  assert.equal(run.stdout.length, 0);
  assert.match(run.stderr, /Orbweaver CNI plugin .*1\.1\.0/);
});

test('an unknown CNI_COMMAND is error 4 and the message names it', async () => {
  const error = errorOf(await shim.run({ env: withVerb('ADD"\\\u0001é'), stdin: conf }));
  assert.equal(error.code, 4);
  assert.match(error.details, /^ADD"\\/);
});

test('a configuration of more than 4 MiB is error 7', async () => {
  const error = errorOf(await shim.run({ env: add, stdin: Buffer.alloc(4 * 1024 * 1024 + 1, ' ') }));
  assert.equal(error.code, 7);
});

for (const verb of ['ADD', 'CHECK', 'GC']) {
  test(`${verb} waits for an absent agent, then is error 11 in the requested version`, async () => {
    const run = await hasty.run({ env: withVerb(verb), stdin: conf });
    const error = errorOf(run);
    assert.equal(error.code, 11);
    assert.equal(error.cniVersion, '1.0.0');
    assert.match(error.details, /cannot be reached: No such file/);
    assert.ok(run.elapsedMs >= 590 && run.elapsedMs < 4500, `${run.elapsedMs} ms`);
  });
}

test('STATUS is error 50 at once when the agent is absent', async () => {
  const run = await shim.run({ env: { CNI_COMMAND: 'STATUS' }, stdin: conf });
  assert.equal(errorOf(run).code, 50);
  // One that is only busy is given 4 s.
  assert.ok(run.elapsedMs < 3500, `${run.elapsedMs} ms`);
});

test('ADD is served by an agent that starts during the wait', async () => {
  const run = shim.run({ env: add, stdin: conf });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await using _agent = await startFakeAgent(shim.socket, always({ exit: '0', stdout: '{}', log: '' }));
  assert.deepEqual((await run).stdout.toString(), '{}');
});

test('ADD is sent again when the agent stops during the request, and the next agent serves it', async () => {
  let asked = 0;
  await using agent = await startFakeAgent(shim.socket, (socket) => {
    asked += 1;
    const answer = encodeFrame({ exit: '0', stdout: `{"asked":${asked}}`, log: '' });
    if (asked === 1) socket.destroy();
    else if (asked === 2) socket.end(answer.subarray(0, 20));
    else socket.end(answer);
  });
  const run = await shim.run({ env: add, stdin: conf });
  assert.equal(run.stdout.toString(), '{"asked":3}');
  const ids = agent.requests.map((request) => request.get('request')?.toString());
  assert.equal(new Set(ids).size, 1, 'one id, so that the log tells that it is one request');
});

const brokenAnswers: [string, (socket: Socket) => void, RegExp][] = [
  [
    'closes the connection early',
    (socket) => void socket.end(encodeFrame({ exit: '0', stdout: '{}' }).subarray(0, 20)),
    /closed the connection/,
  ],
  ['sends no answer', (socket) => void socket.end(), /closed the connection/],
  ['is late', () => undefined, /in time/],
  ['sends garbage', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /malformed answer/],
  ['speaks another protocol', (socket) => void socket.end('OWCNI 9\nend 0\n\n'), /malformed answer/],
  ['sends no exit code', (socket) => void socket.end(encodeFrame({ stdout: '{}' })), /malformed answer/],
  ['sends no stdout', (socket) => void socket.end(encodeFrame({ exit: '0' })), /malformed answer/],
  [
    'has an impossible exit code',
    (socket) => void socket.end(encodeFrame({ exit: '256', stdout: '' })),
    /malformed answer/,
  ],
  [
    'announces a huge field',
    (socket) => void socket.end('OWCNI 1\nstdout 99999999999999999999\n'),
    /malformed answer/,
  ],
  [
    'sends too much',
    (socket) => void socket.end(Buffer.alloc(17 << 20, encodeFrame({ a: '1' }).subarray(0, 14))),
    /16 MiB|malformed answer/,
  ],
];

for (const [what, answer, details] of brokenAnswers) {
  test(`an agent that ${what}: ADD is error 11, DEL is queued, and stdout stays clean`, async () => {
    await using _agent = await startFakeAgent(shim.socket, answer);
    await using _same = await startFakeAgent(hasty.socket, answer);
    const error = errorOf(await hasty.run({ env: add, stdin: conf }));
    assert.equal(error.code, 11);
    assert.match(error.details, details);
    const before = queued().length;
    const del = await shim.run({ env: withVerb('DEL'), stdin: conf });
    assert.deepEqual([del.exit, del.stdout.length], [0, 0]);
    assert.equal(queued().length, before + 1);
    // A second, and what a busy machine adds; an ADD would wait for half a minute.
    assert.ok(del.elapsedMs < 8000, `${del.elapsedMs} ms`);
  });
}

test('a DEL for an absent agent is queued as its request frame, readable by root only', async () => {
  const before = new Set(queued());
  const run = await shim.run({ env: withVerb('DEL'), stdin: conf });
  assert.deepEqual([run.exit, run.stdout.length], [0, 0]);
  const [name = '', ...others] = queued().filter((file) => !before.has(file));
  assert.deepEqual(others, []);
  const fields = decodeFrame(readFileSync(join(shim.queue, name)));
  assert.equal(`${fields?.get('request')?.toString()}.del`, name);
  assert.equal(fields?.get('env:CNI_COMMAND')?.toString(), 'DEL');
  assert.equal(fields?.get('stdin')?.toString(), conf);
  assert.equal(statSync(join(shim.queue, name)).mode & 0o777, 0o600);
  assert.equal(statSync(shim.queue).mode & 0o777, 0o700);
});

test('a DEL does not wait for an absent agent', async () => {
  // The fastest of three: on a busy machine any of them may have been held up.
  const tookMs: number[] = [];
  for (let i = 0; i < 3; i++) tookMs.push((await shim.run({ env: withVerb('DEL'), stdin: conf })).elapsedMs);
  assert.ok(Math.min(...tookMs) < 500, `${tookMs.join(', ')} ms`);
});

test('a DEL that the agent refuses is not queued, and the refusal is passed on', async () => {
  const before = queued().length;
  await using _agent = await startFakeAgent(
    shim.socket,
    always({ exit: '1', stdout: '{"code":7}', log: '' }),
  );
  const run = await shim.run({ env: withVerb('DEL'), stdin: conf });
  assert.deepEqual([run.exit, run.stdout.toString()], [1, '{"code":7}']);
  assert.equal(queued().length, before);
});

test('a full queue refuses a DEL with error 11 and keeps the queued requests', async () => {
  using full = makeShim();
  mkdirSync(full.queue, { recursive: true });
  for (let i = 0; i < 4096; i++) writeFileSync(join(full.queue, `${i}.del`), '');
  const error = errorOf(await full.run({ env: withVerb('DEL'), stdin: conf }));
  assert.equal(error.code, 11);
  assert.equal(readdirSync(full.queue).length, 4096);
});

test('a DEL that cannot be written to the queue is error 5', async () => {
  using broken = makeShim();
  writeFileSync(join(broken.folder, 'lib'), 'a file where a folder should be');
  const error = errorOf(await broken.run({ env: withVerb('DEL'), stdin: conf }));
  assert.equal(error.code, 5);
  assert.match(error.details, /Not a directory/);
});

test('SIGTERM ends the shim at once, with nothing on stdout', async () => {
  await using _agent = await startFakeAgent(shim.socket, (socket) => {
    socket.write(encodeFrame({ exit: '0', stdout: '{"half":1}' }).subarray(0, 25));
  });
  const run = await shim.run({ env: add, stdin: conf, terminateAfterMs: 200 });
  assert.equal(run.signal, 'SIGTERM');
  assert.equal(run.stdout.length, 0);
  assert.ok(run.elapsedMs < 20_000, `${run.elapsedMs} ms`);
});

test('the executable is smaller than 100 kB and needs no file of the host', () => {
  const bytes = readFileSync(shim.executable);
  assert.ok(bytes.length < 100 * 1024, `${bytes.length} bytes`);
  assert.equal(bytes.includes('/lib/ld-'), false);
});
