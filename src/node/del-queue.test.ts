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

test('queued DELs are served oldest first, byte for byte, and are then removed', async () => {
  const { files, queue } = await queueOf('ffff', '0000', 'aaaa');
  const served: string[] = [];
  await queue.replay(async ({ request, bytes }) => {
    assert.equal(new TextDecoder().decode(bytes), request);
    served.push(request);
    return true;
  });
  assert.deepEqual(served, ['ffff', '0000', 'aaaa']);
  assert.equal(files.files.size, 0);
});

test('a damaged request is set aside, a failed one stays, and the others are served', async () => {
  const { files, queue } = await queueOf('damaged', 'failing', 'good');
  await files.write('.tmp-1234', new Uint8Array());
  const served: string[] = [];
  await queue.replay(async ({ request }) => {
    if (request === 'damaged') throw new OrbError('FRAME_DAMAGED', { message: 'no frame' });
    if (request === 'failing') throw new Error('the API server is away');
    served.push(request);
    return true;
  });
  assert.deepEqual(served, ['good']);
  assert.deepEqual([...files.files.keys()].sort(), ['.tmp-1234', 'damaged.del.damaged', 'failing.del']);
});

test('a request that can never be served is set aside, so it does not fill the queue', async () => {
  const { files, queue } = await queueOf('nameless');
  await queue.replay(async () => {
    throw new OrbError('CNI_ENVIRONMENT_INVALID', { message: 'CNI_CONTAINERID missing' });
  });
  assert.deepEqual([...files.files.keys()], ['nameless.del.damaged']);
});

test('a replay ends with the agent, and the next agent serves the rest', async () => {
  const { files, queue } = await queueOf('first', 'second');
  const stop = new AbortController();
  await queue.replay(
    async () => {
      stop.abort();
      return true;
    },
    { signal: stop.signal },
  );
  assert.deepEqual([...files.files.keys()], ['second.del']);
});

test('several DELs are served at once, and those that must be last after all others', async () => {
  const { files, queue } = await queueOf('a1', 'b1', 'a2', 'b2', 'a3', 'b3');
  const order: string[] = [];
  let running = 0;
  let most = 0;
  await queue.replay(
    async ({ request }) => {
      order.push(request);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return true;
    },
    { lanes: 2, last: ({ request }) => request.startsWith('a') },
  );
  assert.deepEqual(order, ['b1', 'b2', 'b3', 'a1', 'a2', 'a3']);
  assert.equal(most, 2);
  assert.equal(files.files.size, 0);
});

test('a DEL that is left for later stays', async () => {
  const { files, queue } = await queueOf('first', 'second');
  await queue.replay(async ({ request }) => request === 'first');
  assert.deepEqual([...files.files.keys()], ['second.del']);
});

test('on a full disk a DEL waits in memory, is counted and served, and is written when there is room', async () => {
  const files = new MemoryStateFiles();
  const queue = new DelQueue(files, silentLogger);
  files.full = true;
  await queue.add({ request: 'one', bytes: new Uint8Array([1]) });
  await queue.add({ request: 'two', bytes: new Uint8Array([2]) });
  assert.deepEqual([files.files.size, await queue.length()], [0, 2]);
  await queue.replay(async ({ request }) => request === 'one');
  assert.equal(await queue.length(), 1);
  files.full = false;
  await queue.replay(async () => false);
  assert.deepEqual([...files.files.keys()], ['two.del']);
  assert.equal(await queue.length(), 1);
});

test('a request in memory that can never be served blocks no other on a full disk', async () => {
  const { files, queue } = await queueOf('good');
  files.full = true;
  await queue.add({ request: 'nameless', bytes: new Uint8Array([1]) });
  const served: string[] = [];
  await queue.replay(async ({ request }) => {
    if (request === 'nameless') throw new OrbError('CNI_ENVIRONMENT_INVALID', { message: 'no name' });
    served.push(request);
    return true;
  });
  assert.deepEqual([served, await queue.length()], [['good'], 0]);
});

test('DELs that failed before come after new ones, and no DEL starts after the time is over', async () => {
  const { files, queue } = await queueOf('bad1', 'bad2', 'bad3');
  const tried: string[] = [];
  const serve = async ({ request }: { request: string }) => {
    tried.push(request);
    return !request.startsWith('bad');
  };
  await queue.replay(serve);
  await files.write('new.del', new Uint8Array());
  const over = new AbortController();
  const stopAfter = (most: number) => async (queued: { request: string }) => {
    const outcome = await serve(queued);
    if (tried.length === most) over.abort();
    return outcome;
  };
  tried.length = 0;
  await queue.replay(stopAfter(2), { retries: over.signal });
  assert.deepEqual(tried, ['new', 'bad1']);
  tried.length = 0;
  await queue.replay(serve);
  assert.deepEqual(
    tried,
    ['bad2', 'bad3', 'bad1'],
    'the next time begins with those that have waited longest',
  );
});

test('a queued DEL that the disk cannot read blocks no other', async () => {
  const { files, queue } = await queueOf('unread', 'good');
  const read = files.read.bind(files);
  files.read = async (name) => {
    if (name.startsWith('unread')) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    return read(name);
  };
  await queue.replay(async () => true);
  assert.deepEqual([...files.files.keys()], ['unread.del']);
});
