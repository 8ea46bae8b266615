import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { DelQueue } from './del-queue.ts';
import { MemoryStateFiles } from './state-files.ts';

async function queueOf(...requests: string[]): Promise<{ files: MemoryStateFiles; queue: DelQueue }> {
  const files = new MemoryStateFiles();
  for (const request of requests) await files.write(`${request}.del`, new TextEncoder().encode(request));
  return { files, queue: new DelQueue(files, silentLogger) };
}

test('queued DELs are served the oldest first, byte for byte, and go', async () => {
  const { files, queue } = await queueOf('ffff', '0000', 'aaaa');
  const served: string[] = [];
  await queue.replay(async ({ request, bytes }) => {
    assert.equal(new TextDecoder().decode(bytes), request);
    served.push(request);
  });
  assert.deepEqual(served, ['ffff', '0000', 'aaaa']);
  assert.equal(files.files.size, 0);
});

test('a damaged request is set aside, one that fails stays, and the rest is served', async () => {
  const { files, queue } = await queueOf('damaged', 'failing', 'good');
  await files.write('.tmp-1234', new Uint8Array());
  const served: string[] = [];
  await queue.replay(async ({ request }) => {
    if (request === 'damaged') throw new OrbError('FRAME_DAMAGED', { message: 'no frame' });
    if (request === 'failing') throw new Error('the API server is away');
    served.push(request);
  });
  assert.deepEqual(served, ['good']);
  assert.deepEqual([...files.files.keys()].sort(), ['.tmp-1234', 'damaged.del.damaged', 'failing.del']);
});

test('a request of which no DEL can be made does not stay for ever and fill the queue', async () => {
  const { files, queue } = await queueOf('nameless');
  await queue.replay(async () => {
    throw new OrbError('CNI_ENVIRONMENT_INVALID', { message: 'CNI_CONTAINERID missing' });
  });
  assert.deepEqual([...files.files.keys()], ['nameless.del.damaged']);
});

test('a replay ends with the agent, and leaves the rest to the next', async () => {
  const { files, queue } = await queueOf('first', 'second');
  const stop = new AbortController();
  await queue.replay(async () => stop.abort(), stop.signal);
  assert.deepEqual([...files.files.keys()], ['second.del']);
});
