import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  createNetns,
  leadsToNetns,
  openGivenNamespace,
  openGivenNetns,
  primeThreads,
  removeNetns,
} from './index.ts';

let folder: string;

before(async () => {
  await primeThreads();
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-netns-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a namespace is opened by the path that a runtime names, also through a symbolic link', async () => {
  const path = `/run/netns/ow-given-${process.pid}`;
  using made = createNetns(path);
  try {
    const link = join(folder, 'link');
    symlinkSync(path, link);
    for (const named of [path, link, `/proc/self/fd/${made.fd}`]) {
      using given = await openGivenNetns(named);
      assert.equal(given.id, made.id);
      assert.equal(given.path, named);
      assert.ok(await leadsToNetns(named, made));
    }
    assert.ok(!(await leadsToNetns(`/proc/${process.pid}/ns/net`, made)));
    const namespace = await openGivenNamespace(path);
    assert.deepEqual(
      namespace.links().map(({ name }) => name),
      ['lo'],
    );
    namespace.close();
  } finally {
    removeNetns(path);
  }
});

test('a FIFO, a device, a folder and a regular file are refused as namespaces, and none of them is opened', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [fifo, '/dev/null', folder, file, 'a\0b']) {
    await assert.rejects(openGivenNetns(path), {
      code: 'NETNS_INVALID',
      message: /is not a network namespace/,
    });
  }
});

test("a namespace of another kind and a missing path are refused in the kernel's words", async () => {
  await assert.rejects(openGivenNamespace('/proc/self/ns/uts'), { said: /^EINVAL/ });
  await assert.rejects(openGivenNamespace('/proc/self/status'), { said: /^EINVAL/ });
  await assert.rejects(openGivenNamespace(join(folder, 'none')), { said: /^ENOENT/ });
  await assert.rejects(openGivenNamespace(`/${'a'.repeat(300)}`), { said: /^ENAMETOOLONG/ });
});

test('on a mount that never answers the caller gets an error, and other paths are opened meanwhile', async () => {
  // A FUSE server that reads nothing: the kernel waits for its first answer for ever. It is mounted for the server alone.
  const script = `exec 3<>/dev/fuse
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead ${folder} && echo up && exec sleep 600`;
  const server = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const link = `/run/netns/ow-dead-${process.pid}`;
  try {
    await once(server.stdout, 'data');
    const path = `/proc/${server.pid}/root${folder}/a`;
    // A link in the runtime's own folder is not followed on the thread that serves everybody.
    symlinkSync(`${path}-by-link`, link);
    const dead = Promise.all(
      [path, link].map((named) => assert.rejects(openGivenNetns(named), { code: 'NETNS_UNREACHABLE' })),
    );
    for (let i = 0; i < 20; i++) (await openGivenNetns(`/proc/${process.pid}/ns/net`)).close();
    await dead;
    await assert.rejects(openGivenNetns(path), { message: /earlier request for it still waits/ });
  } finally {
    // With the server's end the kernel gives up: ENOTCONN for all who wait.
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    rmSync(link, { force: true });
  }
});
