import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { type AttachmentRecord, Attachments, ipamPart, MemoryStateFiles } from '#node';
import { collectGarbage } from './collection.ts';

const recordOf = (containerId: string): AttachmentRecord => ({
  version: 1,
  containerId,
  interfaceName: 'eth0',
  network: 'net',
  createdAt: '2030-01-01T00:00:00.000Z',
  ipam: {
    state: 'done',
    netConf: { cniVersion: '1.0.0', name: 'net', type: 'spiderpool' },
    result: {},
    addresses: [],
  },
});

test('GC begins no removal after its time is over, because others are served then', async () => {
  const attachments = await Attachments.open(new MemoryStateFiles(), silentLogger);
  for (const containerId of ['a', 'b', 'c']) await attachments.put(recordOf(containerId));
  const late = new AbortController();
  const removed: string[] = [];
  const conf = parseNetConf('{"cniVersion":"1.1.0","name":"net","type":"spiderpool"}');
  const collected = collectGarbage(
    { conf, signal: late.signal },
    attachments,
    ipamPart,
    async ({ containerId }) => {
      removed.push(containerId);
      if (containerId === 'b') late.abort(new OrbError('DEADLINE_PASSED', { message: 'late' }));
    },
  );
  await assert.rejects(collected, { code: 'DEADLINE_PASSED' });
  assert.deepEqual(removed, ['a', 'b']);
});
