import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { type CniRequest, decodeFrame, requestFrame } from '#cni';
import { ConnectionServer, type Serve } from './connection-server.ts';

const request: CniRequest = {
  type: 'spiderpool',
  shimVersion: '0.1.0',
  id: '0123456789abcdef',
  deadlineMs: 1000,
  variables: { CNI_COMMAND: 'STATUS' },
  stdin: '{}',
};
const ok: Serve = async ({ id }) => ({ exitCode: 0, stdout: id, log: '' });

/** A server on a socket of its own, and what a test needs of it. */
async function withServer(
  serve: Serve,
  work: (at: { path: string; server: ConnectionServer }) => Promise<void>,
  uid = 0,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'connection-server-'));
  const path = join(folder, 'agent', 'agent.sock');
  const server = new ConnectionServer(serve, () => uid, silentLogger);
  try {
    await server.listen(path);
    await work({ path, server });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Everything that the server sends until it ends the connection. */
async function answerOn(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.on('close', resolve));
  return Buffer.concat(chunks);
}

test('a request in pieces is answered, and its connection ends', async () => {
  await withServer(ok, async ({ path }) => {
    const frame = requestFrame(request);
    const socket = connect(path);
    socket.write(frame.subarray(0, 20));
    await once(socket, 'connect');
    socket.write(frame.subarray(20));
    const answer = decodeFrame(await answerOn(socket));
    assert.equal(answer.fields.get('exit')?.toString(), '0');
    assert.equal(answer.fields.get('stdout')?.toString(), request.id);
  });
});

test('the socket and its folder are accessible to root only', async () => {
  await withServer(ok, async ({ path }) => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  });
});

test('the connection of a peer that is not root is closed', async () => {
  const served: string[] = [];
  const serve: Serve = async (given, gone) => {
    served.push(given.id);
    return ok(given, gone);
  };
  await withServer(
    serve,
    async ({ path }) => {
      const socket = connect(path);
      socket.on('error', () => {}); // EPIPE: it is closed while we write
      socket.write(requestFrame(request));
      assert.equal((await answerOn(socket)).length, 0);
    },
    1000,
  );
  assert.deepEqual(served, []);
});

test('the connection of a peer that sends no valid frame is closed', async () => {
  await withServer(ok, async ({ path }) => {
    const socket = connect(path);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    assert.equal((await answerOn(socket)).length, 0);
  });
});

test('running work learns that its caller has left', async () => {
  const told = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const serve: Serve = async (_, gone) => {
    begun.resolve();
    await new Promise((resolve) => gone.addEventListener('abort', resolve));
    told.resolve(gone.reason);
    return { exitCode: 1, stdout: '', log: '' };
  };
  await withServer(serve, async ({ path }) => {
    const socket = connect(path);
    socket.write(requestFrame(request));
    await begun.promise;
    socket.end();
    assert.match(String(await told.promise), /the caller has left/);
  });
});

test('closing waits for running requests, but not for callers that send nothing', async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const serve: Serve = async (given, gone) => {
    begun.resolve();
    await finish.promise;
    return ok(given, gone);
  };
  await withServer(serve, async ({ path, server }) => {
    const silent = connect(path);
    await once(silent, 'connect');
    const busy = connect(path);
    busy.write(requestFrame(request));
    await begun.promise;
    const answer = answerOn(busy);
    const cut = once(silent, 'close');
    const closed = server.close();
    await cut;
    finish.resolve();
    assert.match((await answer).toString(), /exit 1\n0\n/);
    await closed;
  });
});

test('a second agent on one socket is refused, and a socket without an agent is replaced', async () => {
  await withServer(ok, async ({ path }) => {
    const second = new ConnectionServer(ok, () => 0, silentLogger);
    await assert.rejects(second.listen(path), { code: 'AGENT_SOCKET_TAKEN' });
  });
  const folder = mkdtempSync(join(tmpdir(), 'connection-server-'));
  const left = join(folder, 'agent.sock');
  writeFileSync(left, '');
  const server = new ConnectionServer(ok, () => 0, silentLogger);
  await server.listen(left);
  await server.close();
  rmSync(folder, { recursive: true });
});

test('the mode of a shared folder, such as /run, stays as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'connection-server-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'other.pid'), '1');
  const server = new ConnectionServer(ok, () => 0, silentLogger);
  await server.listen(join(folder, 'agent.sock'));
  assert.equal(statSync(folder).mode & 0o777, 0o755);
  assert.equal(statSync(join(folder, 'agent.sock')).mode & 0o777, 0o600);
  await server.close();
  rmSync(folder, { recursive: true });
});

test('a request that fails without an answer ends only its own connection', async () => {
  const serve: Serve = async (given, gone) => {
    if (given.stdin === 'damaged') throw new SyntaxError('no JSON');
    return ok(given, gone);
  };
  await withServer(serve, async ({ path }) => {
    const failing = connect(path);
    failing.write(requestFrame({ ...request, stdin: 'damaged' }));
    assert.equal((await answerOn(failing)).length, 0);
    const next = connect(path);
    next.write(requestFrame(request));
    assert.match((await answerOn(next)).toString(), /exit 1\n0\n/);
  });
});

test('a shim that was stopped after its request does not block the end of the agent', async () => {
  await withServer(ok, async ({ path, server }) => {
    // As a process that was stopped: it neither reads nor ends the connection.
    const socket = connect({ path, allowHalfOpen: true });
    socket.pause();
    socket.write(requestFrame(request));
    await once(socket, 'connect');
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
    await server.close();
    const answer = answerOn(socket);
    socket.on('end', () => socket.end());
    socket.resume();
    assert.equal(
      decodeFrame(await answer)
        .fields.get('exit')
        ?.toString(),
      '0',
    );
  });
});
