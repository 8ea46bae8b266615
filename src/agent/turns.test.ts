// Verbs, the queue of DELs and the agent's start among each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, OrbError, silentLogger, systemClock } from '#base';
import { FakeClock } from '#base/testing';
import { type CniPlugin, type CniRequest, Dispatcher, requestFrame, servedTypes } from '#cni';
import { DelQueue, MemoryStateFiles } from '#node';
import { DelReplay } from './del-replay.ts';
import { Gate } from './gate.ts';
import { VerbServer } from './verbs.ts';

/** A folder that cannot be read the second time it is looked at. */
class FlakyFiles extends MemoryStateFiles {
  looks = 0;
  override async list() {
    this.looks += 1;
    if (this.looks === 3) throw new Error('EMFILE');
    return super.list();
  }
}

function scene(limit: number, del: CniPlugin['del'], clock: Clock = systemClock) {
  const ready = Promise.withResolvers<void>();
  const events: string[] = [];
  const plugin: CniPlugin = {
    add: async () => {
      events.push('ADD');
      return {};
    },
    del,
    check: async () => {},
    gc: async () => {},
    status: async () => {},
  };
  const dispatcher = new Dispatcher(new Map([['spiderpool', plugin]]), {
    isOwnNetns: async () => false,
    ready: () => ready.promise,
    keep: async () => void events.push('kept'),
  });
  const files = new FlakyFiles();
  const gate = new Gate(limit, clock);
  const metrics = { served: () => {}, waited: () => {} };
  return {
    events,
    ready,
    files,
    gate,
    verbs: new VerbServer({ dispatcher, gate, clock, metrics, log: silentLogger }),
    replay: new DelReplay({
      attachments: { flush: async () => {} },
      queue: new DelQueue(files, silentLogger),
      dispatcher: () => dispatcher,
      types: servedTypes,
      gate,
      clock,
      log: silentLogger,
    }),
  };
}

function request(verb: string, id: string, deadlineMs = 5_000): CniRequest {
  return {
    type: 'spiderpool',
    shimVersion: '1',
    id,
    deadlineMs,
    variables: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: id,
      CNI_NETNS: '/run/netns/pod',
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
    },
    stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'spiderpool' }),
  };
}

const alive = () => new AbortController().signal;

test('ADDs that wait for a starting agent leave room for the DELs that the start waits for', async () => {
  const { events, ready, files, verbs, replay } = scene(1, async () => void events.push('DEL'));
  const queued = request('DEL', '00000000000000d1');
  await files.write(`${queued.id}.del`, requestFrame(queued));
  const added = verbs.serve(request('ADD', '00000000000000a1'), alive());
  await new Promise((resolve) => setImmediate(resolve));
  await replay.start();
  ready.resolve();
  assert.equal((await added).exitCode, 0);
  await replay.stop();
  assert.deepEqual(events, ['DEL', 'ADD']);
});

test('a DEL that takes longer than its caller waits is kept, and is not logged as an error', async () => {
  const { events, verbs } = scene(16, ({ signal }) => {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const answer = await verbs.serve(request('DEL', '00000000000000d1', 20), alive());
  assert.deepEqual([answer.exitCode, events], [0, ['kept']]);
});

test('an ADD whose caller left before its turn is not started', async () => {
  const { events, ready, verbs } = scene(16, async () => {});
  ready.resolve();
  const caller = new AbortController();
  caller.abort(new OrbError('DEADLINE_PASSED', { message: 'the caller left' }));
  const answer = await verbs.serve(request('ADD', '00000000000000a1'), caller.signal);
  assert.deepEqual([answer.exitCode, events], [1, []]);
});

test('a queue that cannot be read once is read again, and the agent continues', async () => {
  const clock = new FakeClock();
  const { files, replay } = scene(16, async () => {}, clock);
  await replay.start();
  for (let i = 0; i < 4; i++) {
    await clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(files.looks > 4);
  await replay.stop();
});
