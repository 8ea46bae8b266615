import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { delRequest, delScene, never } from './del-replay-fixture.ts';

test('the replay serves the oldest queued DEL first, and removes each served DEL', async () => {
  const { files, served, replay, queued, stop } = delScene();
  await queued(delRequest('2', 'first'));
  await queued(delRequest('1', 'second'));
  await replay.start();
  assert.deepEqual(served, ['first', 'second']);
  assert.deepEqual([files.files.size, replay.waiting], [0, 0]);
  await stop();
});

test('a DEL of a type that says it needs the cluster is served after those that need only the node', async () => {
  const { served, replay, queued, stop } = delScene({
    types: [
      { name: 'first', delNeeds: 'cluster' },
      { name: 'second', delNeeds: 'node' },
    ],
  });
  await queued({ ...delRequest('1', 'cluster'), type: 'first' });
  await queued({ ...delRequest('2', 'node'), type: 'second' });
  await replay.start();
  assert.deepEqual(served, ['node', 'cluster']);
  await stop();
});

test('a DEL that fails stays queued, is counted, and succeeds later', async () => {
  const { files, served, state, replay, queued, pass, stop } = delScene();
  await queued(delRequest('1', 'one'));
  state.fate = () => Promise.reject(new OrbError('KUBE_UNREACHABLE', { message: 'away' }));
  await replay.start();
  assert.deepEqual([files.files.size, replay.waiting], [1, 1]);
  await pass(60_000);
  assert.equal(files.files.size, 1);
  state.fate = async () => {};
  await pass(60_000);
  assert.deepEqual([served, files.files.size, replay.waiting], [['one'], 0, 0]);
  await stop();
});

test('a DEL that the agent could not finish is written to the queue and served later', async () => {
  const { files, served, replay, pass, stop } = delScene();
  await replay.start();
  await replay.keep(delRequest('1', 'one'));
  assert.deepEqual([...files.files.keys()], ['0000000000000001.del']);
  await pass(5_000);
  assert.deepEqual([served, files.files.size], [['one'], 0]);
  await stop();
});

test('a DEL that a shim queues while the agent runs is found', async () => {
  const { served, replay, queued, pass, stop } = delScene();
  await replay.start();
  await queued(delRequest('1', 'one'));
  await pass(5_000);
  assert.deepEqual(served, ['one']);
  await stop();
});

test('a queued DEL waits for the turn of its pod', async () => {
  const { served, gate, replay, queued, pass, stop } = delScene();
  const hold = Promise.withResolvers<void>();
  const ticket = { key: 'sandbox one', stuckAfterMs: 3_600_000, log: silentLogger };
  const running = gate.run(ticket, () => hold.promise);
  await queued(delRequest('1', 'one'));
  await replay.start();
  await pass(15_000);
  assert.deepEqual(served, []);
  hold.resolve();
  await running;
  await pass(1_050);
  assert.deepEqual(served, ['one']);
  await stop();
});

test('a damaged file is set aside and blocks no other DEL', async () => {
  const { files, served, replay, queued, stop } = delScene();
  await files.write('00000000000000aa.del', new TextEncoder().encode('OWCNI 1\nhalf'));
  await queued(delRequest('1', 'one'));
  await replay.start();
  assert.deepEqual(served, ['one']);
  assert.deepEqual([...files.files.keys()], ['00000000000000aa.del.damaged']);
  await stop();
});

test('a DEL that never ends blocks neither other DELs nor the start, and is not started twice', async () => {
  const { files, served, state, replay, queued, pass, stop } = delScene();
  state.fate = (containerId, signal) =>
    containerId === 'one' ? never(containerId, signal) : Promise.resolve();
  await queued(delRequest('1', 'one'));
  await queued(delRequest('2', 'two'));
  const started = replay.start();
  await pass(11_000);
  await started;
  assert.deepEqual(served, ['two']);
  await queued(delRequest('3', 'three'));
  await pass(60_000);
  assert.deepEqual([served, files.files.size, replay.waiting], [['two', 'three'], 1, 1]);
  await stop();
});
