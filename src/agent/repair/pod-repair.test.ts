import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeNamespace } from '#net';
import { type AttachmentRecord, Attachments, MemoryStateFiles, type RecordedNic } from '#node';
import { PodRepair } from './pod-repair.ts';

test('the old sandbox of a pod does not take the node’s routes back from the new one', async () => {
  const attachments = await Attachments.open(new MemoryStateFiles(), silentLogger);
  const record = (containerId: string): AttachmentRecord => ({
    version: 1,
    containerId,
    interfaceName: 'eth0',
    netns: { path: `/run/netns/${containerId}` },
    network: 'net',
    pod: { namespace: 'default', name: 'a', uid: 'uid-a' },
    createdAt: '2030-01-01T00:00:00.000Z',
    coordinator: { state: 'done', netConf: {}, result: {}, plan: {} as RecordedNic },
  });
  await attachments.put(record('old'));
  await attachments.put(record('new'));
  await attachments.supersede('uid-a', 'new');
  const repair = new PodRepair({
    attachments,
    node: new FakeNamespace(),
    openNamespace: async (path) => assert.fail(`looked into ${path}`),
    present: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
    log: silentLogger,
  });
  assert.deepEqual(repair.containers(), ['new']);
  assert.equal(await repair.enter('old'), undefined);
  assert.equal(repair.mend('old', new FakeNamespace()), undefined);
});
