// --listen-fd: the program serves on a socket that somebody else opened, e.g. in another network namespace.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const program = new URL('../main/apiserver.ts', import.meta.url).pathname;

test('the server answers over TLS on an inherited descriptor, and nowhere else', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'listen-fd-'));
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  // Node tells the descriptor of a listening socket by its handle only.
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const token = join(directory, 'token');
  const flags = ['--data-dir', directory, '--token-file', token, '--listen-fd', '3'];
  const child = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'inherit', fd] });
  try {
    const [line] = (await once(
      createInterface({ input: child.stdout as NodeJS.ReadableStream }),
      'line',
    )) as [string];
    assert.deepEqual(JSON.parse(line), { url: null });
    // The child has a copy: only it accepts from here on.
    socket.close();
    const authorization = `Bearer ${readFileSync(token, 'utf8').trim()}`;
    const asked = request({
      host: '127.0.0.1',
      port,
      path: '/readyz',
      headers: { authorization },
      rejectUnauthorized: false,
    });
    asked.end();
    const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    assert.equal(response.statusCode, 200);
  } finally {
    socket.close();
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(directory, { recursive: true, force: true });
  }
});
