// A queue of DELs and its replay on a clock that tests move. Tests say what becomes of each DEL.

import { FakeClock, LogLines } from '#base/testing';
import { type CniPlugin, type CniRequest, Dispatcher, requestFrame, servedTypes } from '#cni';
import { DelQueue, MemoryStateFiles } from '#node';
import { DelReplay, type DelReplayParts } from './del-replay.ts';
import { Gate } from './gate.ts';

/** A DEL without a pod's name: its turn is that of its container. */
export function delRequest(id: string, containerId: string): CniRequest {
  return {
    type: 'spiderpool',
    shimVersion: '1',
    id: id.padStart(16, '0'),
    deadlineMs: 1000,
    variables: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: containerId, CNI_IFNAME: 'eth0' },
    stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'spiderpool' }),
  };
}

/** What becomes of the DEL of a container. */
export type Fate = (containerId: string, signal: AbortSignal) => Promise<void>;

export const never: Fate = () => new Promise(() => {});
/** A DEL that waits for something, and stops waiting at its deadline. */
export const untilDeadline: Fate = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

export interface DelScene {
  readonly types?: DelReplayParts['types'];
  readonly limit?: number;
  readonly files?: MemoryStateFiles;
  readonly clock?: FakeClock;
}

export function delScene({
  types = servedTypes,
  limit = 16,
  files = new MemoryStateFiles(),
  clock = new FakeClock(),
}: DelScene = {}) {
  const log = new LogLines();
  const queue = new DelQueue(files, log);
  const gate = new Gate(limit, clock);
  const served: string[] = [];
  /** Each try, with the milliseconds since the start of the scene. */
  const tries: { containerId: string; atMs: number }[] = [];
  const startMs = clock.monotonic();
  const state: { fate: Fate } = { fate: async () => {} };
  const unexpected = () => Promise.reject(new Error('only DELs are queued'));
  const plugin: CniPlugin = {
    add: unexpected,
    check: unexpected,
    gc: unexpected,
    status: unexpected,
    del: async ({ environment: { containerId }, signal }) => {
      tries.push({ containerId, atMs: clock.monotonic() - startMs });
      await state.fate(containerId, signal);
      served.push(containerId);
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
    log,
  });
  const queued = (given: CniRequest) => queue.add({ request: given.id, bytes: requestFrame(given) });
  /** Time passes in steps of 50 ms, and what became due gets its turns. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      await clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** Time passes until what runs has ended. */
  const stop = async () => {
    const stopped = replay.stop();
    await pass(11_050);
    await stopped;
  };
  const triesOf = (containerId: string) => tries.filter((each) => each.containerId === containerId);
  return { files, queue, gate, clock, log, served, tries, triesOf, state, replay, queued, pass, stop };
}
