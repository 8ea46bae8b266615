// The agent asks container runtimes that this test plays, over a real socket.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askRuntime } from './ask-runtime.ts';

const patience = () => AbortSignal.timeout(5_000);

/** A field with a text, a message, or bytes: its number, its length (below 16,384), its content. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.of(number * 8 + 2, (bytes.length & 0x7f) | 0x80, bytes.length >> 7), bytes]);
}

function status(info: Record<string, string>): Buffer {
  const entries = Object.entries(info).map(([key, value]) =>
    field(2, Buffer.concat([field(1, key), field(2, value)])),
  );
  // Before and after it, what we do not read: conditions, a number, and fields of fixed length.
  return Buffer.concat([
    ...[field(1, field(1, 'RuntimeReady')), Buffer.of(5 * 8, 0x96, 0x01)],
    ...[Buffer.of(6 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8), Buffer.of(7 * 8 + 5, 1, 2, 3, 4)],
    ...entries,
    field(4, ''),
  ]);
}

/** A runtime: `answer` serves its status, `http` what it serves over HTTP/1 on the same socket. */
async function runtime(
  t: TestContext,
  answer: (stream: ServerHttp2Stream, request: Buffer) => void,
  http?: RequestListener,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-cri-'));
  const path = join(folder, 'runtime.sock');
  const http2 = createHttp2();
  http2.on('stream', (stream, headers) => {
    assert.equal(headers[':path'], '/runtime.v1.RuntimeService/Status');
    assert.equal(headers['content-type'], 'application/grpc');
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => answer(stream, Buffer.concat(parts)));
    stream.on('error', () => {});
  });
  http2.listen(join(folder, 'http2'));
  const http1 = createHttp(http).listen(join(folder, 'http1'));
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy());
  };
  // As CRI-O does: one socket for both protocols, which differ in their first bytes.
  const server = createServer((socket) => {
    keep(socket).once('data', (first) => {
      const isHttp2 = first.toString('latin1').startsWith('PRI ');
      if (!isHttp2 && http === undefined) return socket.destroy();
      const to = keep(connect(join(folder, isHttp2 ? 'http2' : 'http1')));
      to.write(first);
      socket.pipe(to).pipe(socket);
    });
  }).listen(path);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    for (const one of [server, http1, http2]) one.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

/** Answers with a message and a status, as gRPC does. */
function answered(stream: ServerHttp2Stream, message: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const all = Buffer.concat([prefix, message]);
  stream.write(all.subarray(0, 9));
  stream.end(all.subarray(9));
}

test("containerd's folders are read from its status, which is asked for in full", async (t) => {
  const cniconfig = JSON.stringify({
    PluginDirs: ['/a', '/b'],
    PluginConfDir: '/c',
    filler: 'x'.repeat(5000),
  });
  const socket = await runtime(t, (stream, request) => {
    assert.deepEqual([...request], [0, 0, 0, 0, 2, 0x08, 0x01]);
    answered(stream, status({ golang: '"go1.25"', cniconfig }));
  });
  assert.deepEqual(await askRuntime(socket, patience()), { binFolders: ['/a', '/b'], confFolder: '/c' });
});

test("CRI-O's folders are read from its configuration on the same socket", async (t) => {
  const socket = await runtime(
    t,
    (stream) => answered(stream, status({ config: '{"sandboxImage":"pause"}' })),
    (request, response) => {
      assert.equal(request.url, '/config');
      response.end('[crio.network]\nnetwork_dir = "/c"\nplugin_dirs = ["/a"]\n');
    },
  );
  assert.deepEqual(await askRuntime(socket, patience()), { binFolders: ['/a'], confFolder: '/c' });
});

test('a runtime that says nothing about folders is no answer', async (t) => {
  const socket = await runtime(t, (stream) => answered(stream, status({})));
  assert.equal(await askRuntime(socket, patience()), undefined);
});

test('a refusal has the words of the runtime', async (t) => {
  const socket = await runtime(t, (stream) => {
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': '12',
        'grpc-message': 'unknown service',
      },
      { endStream: true },
    );
  });
  await assert.rejects(askRuntime(socket, patience()), /the container runtime says: unknown service/);
});

test('a runtime that is away, silent or answers nonsense is an error, and nobody waits for it', async (t) => {
  await assert.rejects(askRuntime('/nowhere/runtime.sock', patience()), /^Error: connect ENOENT/);
  const silent = await runtime(t, () => {});
  await assert.rejects(askRuntime(silent, AbortSignal.timeout(50)), /did not answer in time/);
  const nonsense = await runtime(t, (stream) => answered(stream, Buffer.of(0x12, 0x7f, 1)));
  await assert.rejects(askRuntime(nonsense, patience()), RangeError);
});
