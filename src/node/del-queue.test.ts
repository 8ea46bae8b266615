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

test('queued DELs are listed oldest first, are read byte for byte, and are gone once removed', async () => {
  const { files, queue } = await queueOf('ffff', '0000', 'aaaa');
  await files.write('.tmp-1234', new Uint8Array());
  assert.deepEqual(await queue.list(), ['ffff', '0000', 'aaaa']);
  assert.equal(new TextDecoder().decode(await queue.read('0000')), '0000');
  await queue.remove('0000');
  assert.deepEqual([...files.files.keys()], ['ffff.del', 'aaaa.del', '.tmp-1234']);
  assert.equal(await queue.read('0000'), undefined);
});

test('a damaged file is set aside, a refused request is removed, and what failed stays queued', async () => {
  const { files, queue } = await queueOf('damaged', 'nameless', 'failing');
  const outcomes = [
    await queue.keepAfter('damaged', new OrbError('FRAME_DAMAGED', { message: 'no frame' })),
    await queue.keepAfter(
      'nameless',
      new OrbError('CNI_ENVIRONMENT_INVALID', { message: 'CNI_CONTAINERID' }),
    ),
    await queue.keepAfter('failing', new Error('the API server is away')),
  ];
  assert.deepEqual(outcomes, [false, false, true]);
  assert.deepEqual([...files.files.keys()].sort(), ['damaged.del.damaged', 'failing.del']);
  assert.deepEqual(await queue.list(), ['failing']);
});

test('on a full disk a DEL waits in memory, can be served, and is written when there is room', async () => {
  const { files, queue } = await queueOf();
  files.full = true;
  await queue.add({ request: 'one', bytes: new Uint8Array([1]) });
  await queue.add({ request: 'two', bytes: new Uint8Array([2]) });
  assert.deepEqual([files.files.size, await queue.list()], [0, ['one', 'two']]);
  assert.deepEqual(await queue.read('two'), new Uint8Array([2]));
  await queue.remove('one');
  assert.deepEqual(await queue.list(), ['two']);
  files.full = false;
  assert.deepEqual(await queue.list(), ['two']);
  assert.deepEqual([...files.files.keys()], ['two.del']);
});

test('a request in memory that can never be served is dropped on a full disk', async () => {
  const { files, queue } = await queueOf('good');
  files.full = true;
  await queue.add({ request: 'nameless', bytes: new Uint8Array([1]) });
  await queue.keepAfter('nameless', new OrbError('CNI_ENVIRONMENT_INVALID', { message: 'no name' }));
  assert.deepEqual(await queue.list(), ['good']);
});
