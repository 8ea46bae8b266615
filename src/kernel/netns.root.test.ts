// The window into a namespace and its guards; sockets opened through it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { before, describe, test } from 'node:test';
import {
  assertThreadsAtHome,
  createNetns,
  inNetns,
  listenInNetns,
  makeNetns,
  openNamespaceOf,
  openNetns,
  peerCredentials,
  primeThreads,
  removeNetns,
} from './index.ts';

const own = () => readlinkSync('/proc/thread-self/ns/net');
const index = new URL('./index.ts', import.meta.url).href;

/** Runs a program with everything of this floor in `kernel`. */
function program(text: string): ReturnType<typeof spawnSync> {
  const whole = `const kernel = await import(${JSON.stringify(index)});\n${text}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', whole], { encoding: 'utf8' });
}

describe('a window into a namespace', () => {
  before(primeThreads);

  test('the function runs inside the namespace, and everything after it runs at home', () => {
    using netns = makeNetns();
    const home = own();
    const inside = inNetns(netns, own);
    assert.notEqual(inside, home);
    assert.equal(own(), home);
    assert.throws(
      () =>
        inNetns(netns, () => {
          throw new TypeError('inside');
        }),
      TypeError,
    );
    assert.equal(own(), home);
  });

  test('threads stay at home, also those that start after a window', async () => {
    using netns = makeNetns();
    inNetns(netns, own);
    const home = readFileSync('/proc/net/dev', 'utf8').split('\n').length;
    const pool = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => readFile('/proc/thread-self/net/dev', 'utf8')),
    );
    for (const each of pool) assert.equal(each.split('\n').length, home);
    assertThreadsAtHome();
  });

  test('a window before the threads are primed is refused', () => {
    const run = program(`
      try { kernel.inNetns(kernel.openNetns('current'), () => 1); } catch (error) { process.stdout.write(error.message); }`);
    assert.match(String(run.stdout), /called before primeThreads/);
  });

  test('a thread pool that started inside a namespace is noticed', () => {
    // The trap itself: the first asynchronous file access falls into a window.
    const run = program(`
      const { stat } = await import('node:fs');
      await kernel.primeThreads();
      const netns = kernel.makeNetns();
      const { Worker } = await import('node:worker_threads');
      const worker = kernel.inNetns(netns, () => new Worker('setTimeout(() => {}, 1e6)', { eval: true }));
      await new Promise((resolve) => worker.once('online', resolve));
      try { kernel.assertThreadsAtHome(); } catch (error) { process.stdout.write(error.message); }
      process.exit(0);`);
    assert.match(String(run.stdout), /thread \d+ is in network namespace \d+, the process in \d+/);
  });

  test('the compiler refuses a promise, and so does the window at run time', () => {
    using netns = makeNetns();
    // @ts-expect-error a function that waits would run on at home
    assert.throws(() => inNetns(netns, async () => 1), /returned a promise/);
  });

  test('a failure to return home ends the process', () => {
    const run = program(`
      await kernel.primeThreads();
      const { closeSync, readdirSync, readlinkSync } = await import('node:fs');
      const netns = kernel.makeNetns();
      kernel.inNetns(netns, () => {
        for (const fd of readdirSync('/proc/self/fd').map(Number)) {
          let target = '';
          try { target = readlinkSync('/proc/self/fd/' + fd); } catch {}
          if (target.startsWith('net:') && fd !== netns.fd) closeSync(fd);
        }
      });
      process.stdout.write('still running');`);
    assert.deepEqual([run.stdout, run.signal], ['', 'SIGABRT']);
  });

  test('a named namespace is found by its path until it is removed, and by its handle for longer', () => {
    const path = `/run/netns/ow-netns-${process.pid}`;
    const made = createNetns(path);
    using found = openNetns(path);
    using home = openNetns('current');
    assert.equal(made.id, found.id);
    assert.notEqual(made.id, home.id);
    assert.throws(() => createNetns(path), { code: 'EEXIST' });
    removeNetns(path);
    assert.equal(existsSync(path), false);
    assert.equal(
      inNetns(found, () => readdirSync('/sys/class/net').length > 0),
      true,
    );
    made.close();
  });

  test('a thousand windows and handles leak no descriptor', () => {
    const used = () => readdirSync('/proc/self/fd').length;
    using netns = makeNetns();
    const before = used();
    for (let i = 0; i < 1000; i++) {
      using handle = openNetns('current');
      inNetns(netns, () => handle.fd);
    }
    assert.equal(used(), before);
  });

  test('a server listens inside the namespace and accepts outside', async (t) => {
    using netns = makeNetns();
    const namespace = openNamespaceOf(openNetns(`/proc/self/fd/${netns.fd}`));
    namespace.change([{ verb: 'set', kind: 'link', link: { name: 'lo', up: true } }]);
    for (const host of ['127.0.0.1', '::1']) {
      const fd = listenInNetns(netns, host, 8080);
      const server = createServer((socket) => socket.end('from outside'));
      t.after(() => server.close());
      await listening(server, { fd });
      const inside = ['--net=/proc/self/fd/3', 'bash', '-c', `exec 4<>/dev/tcp/${host}/8080 && cat <&4`];
      const client = spawn('nsenter', inside, { stdio: ['ignore', 'pipe', 'inherit', netns.fd] });
      assert.ok(client.stdout !== null);
      assert.equal(await text(client.stdout), 'from outside');
    }
    namespace.close();
  });

  test('a port that is taken inside the namespace is reported as EADDRINUSE', () => {
    using netns = makeNetns();
    const namespace = openNamespaceOf(openNetns(`/proc/self/fd/${netns.fd}`));
    namespace.change([{ verb: 'set', kind: 'link', link: { name: 'lo', up: true } }]);
    const server = createServer();
    server.listen({ fd: listenInNetns(netns, '127.0.0.1', 8080) });
    assert.throws(() => listenInNetns(netns, '127.0.0.1', 8080), { said: /^EADDRINUSE/ });
    server.close();
    namespace.close();
  });

  test('the process at the other end of a unix socket is identified', async (t) => {
    const path = `\0ow-peer-${process.pid}`;
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof peerCredentials>>();
    const server = createServer((socket) => {
      resolve(peerCredentials(socket));
      socket.end();
    });
    t.after(() => server.close());
    await listening(server, { path });
    await text(connect(path));
    assert.deepEqual(await promise, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  });
});

function listening(server: Server, where: { fd: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

async function text(socket: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of socket) all += String(chunk);
  return all;
}
