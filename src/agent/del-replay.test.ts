import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { type CniPlugin, type CniRequest, Dispatcher, requestFrame, servedTypes } from '#cni';
import { DelQueue, MemoryStateFiles } from '#node';
import { DelReplay, type DelReplayParts } from './del-replay.ts';
import { Gate } from './gate.ts';

const request = (id: string, containerId: string): CniRequest => ({
  type: 'spiderpool',
  shimVersion: '1',
  id: id.padStart(16, '0'),
  deadlineMs: 1000,
  variables: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: containerId, CNI_IFNAME: 'eth0' },
  stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'spiderpool' }),
});

function scene(types: DelReplayParts['types'] = servedTypes) {
  const files = new MemoryStateFiles();
  const queue = new DelQueue(files, silentLogger);
  const clock = new FakeClock();
  const gate = new Gate(4, clock);
  const served: string[] = [];
  const state: { failure: OrbError | undefined; hanging: string | undefined } = {
    failure: undefined,
    hanging: undefined,
  };
  const unexpected = () => Promise.reject(new Error('only DELs are queued'));
  const plugin: CniPlugin = {
    add: unexpected,
    check: unexpected,
    gc: unexpected,
    status: unexpected,
    del: async ({ environment }) => {
      if (state.failure !== undefined) throw state.failure;
      if (state.hanging === environment.containerId) await new Promise(() => {});
      served.push(environment.containerId);
    },
  };
  const options = { isOwnNetns: async () => false, ready: async () => {}, keep: async () => {} };
  const dispatcher = new Dispatcher(new Map(types.map(({ name }) => [name, plugin])), options);
  const replay = new DelReplay({
    queue,
    attachments: { flush: async () => {} },
    dispatcher: () => dispatcher,
    types,
    gate,
    clock,
    log: silentLogger,
  });
  const queued = (given: CniRequest) => queue.add({ request: given.id, bytes: requestFrame(given) });
  /** Time passes, and what became due gets its turns. */
  const pass = async (ms: number) => {
    for (let step = 0; step < 20; step++) {
      await clock.advance(ms / 20);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { files, queue, gate, served, state, replay, queued, pass };
}

test('the replay serves the oldest queued DEL first, and removes each served DEL', async () => {
  const { files, served, replay, queued } = scene();
  await queued(request('2', 'first'));
  await queued(request('1', 'second'));
  await replay.start();
  assert.deepEqual(served, ['first', 'second']);
  assert.deepEqual([files.files.size, replay.waiting], [0, 0]);
  await replay.stop();
});

test('a DEL of a type that says it needs the cluster is served after those that need only the node', async () => {
  const { served, replay, queued } = scene([
    { name: 'first', delNeeds: 'cluster' },
    { name: 'second', delNeeds: 'node' },
  ]);
  await queued({ ...request('1', 'cluster'), type: 'first' });
  await queued({ ...request('2', 'node'), type: 'second' });
  await replay.start();
  assert.deepEqual(served, ['node', 'cluster']);
  await replay.stop();
});

test('a DEL that fails stays queued, is counted, and succeeds later', async () => {
  const { files, served, state, replay, queued, pass } = scene();
  await queued(request('1', 'one'));
  state.failure = new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  await replay.start();
  assert.deepEqual([files.files.size, replay.waiting], [1, 1]);
  await pass(60_000);
  assert.equal(files.files.size, 1);
  state.failure = undefined;
  await pass(60_000);
  assert.deepEqual([served, files.files.size, replay.waiting], [['one'], 0, 0]);
  await replay.stop();
});

test('a DEL that the agent could not finish is written to the queue and served later', async () => {
  const { files, served, replay, pass } = scene();
  await replay.start();
  await replay.keep(request('1', 'one'));
  assert.deepEqual([...files.files.keys()], ['0000000000000001.del']);
  await pass(5_000);
  assert.deepEqual([served, files.files.size], [['one'], 0]);
  await replay.stop();
});

test('a DEL that a shim queues while the agent runs is found', async () => {
  const { served, replay, queued, pass } = scene();
  await replay.start();
  await queued(request('1', 'one'));
  await pass(5_000);
  assert.deepEqual(served, ['one']);
  await replay.stop();
});

test('a queued DEL waits for the turn of its pod', async () => {
  const { served, gate, replay, queued } = scene();
  const hold = Promise.withResolvers<void>();
  const running = gate.run('sandbox one', Number.MAX_SAFE_INTEGER, () => hold.promise);
  await queued(request('1', 'one'));
  const started = replay.start();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assert.deepEqual(served, []);
  hold.resolve();
  await Promise.all([running, started]);
  assert.deepEqual(served, ['one']);
  await replay.stop();
});

test('a damaged file is set aside and blocks no other DEL', async () => {
  const { files, served, replay, queued } = scene();
  await files.write('00000000000000aa.del', new TextEncoder().encode('OWCNI 1\nhalf'));
  await queued(request('1', 'one'));
  await replay.start();
  assert.deepEqual(served, ['one']);
  assert.deepEqual([...files.files.keys()], ['00000000000000aa.del.damaged']);
  await replay.stop();
});

test('a DEL that never ends blocks neither other DELs nor the start, and is not started twice', async () => {
  const { files, served, state, replay, queued, pass } = scene();
  state.hanging = 'one';
  await queued(request('1', 'one'));
  await queued(request('2', 'two'));
  const started = replay.start();
  await pass(11_000);
  await started;
  assert.deepEqual(served, ['two']);
  await queued(request('3', 'three'));
  await pass(60_000);
  assert.deepEqual([served, files.files.size, replay.waiting], [['two', 'three'], 1, 1]);
  await replay.stop();
});
