// When serving in socket calls starts and ends as the mode changes.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServiceMode } from '#api';
import { FakeClock, LogLines } from '#base/testing';
import { ServiceSwitch, type Serving } from './service-switch.ts';

function scene(first: ServiceMode) {
  const did: string[] = [];
  const told: string[] = [];
  let sayProblem = (_message: string) => {};
  const log = new LogLines();
  const clock = new FakeClock();
  const state = { mode: first, failure: undefined as Error | undefined, whileCleared: async () => {} };
  const serving: Serving & { isOn: boolean } = {
    ...{
      isOn: true,
      size: 3,
      problem: undefined,
      uses: () => [],
      counts: () => new Map([['UDP [::]:0', { chosen: 9, refused: 1 }]]),
      nodeChanged: () => {},
    },
    *entries() {},
    run: async (signal) => {
      did.push('serves');
      if (!signal.aborted) await once(signal, 'abort');
      did.push('ends');
    },
  };
  const services = new ServiceSwitch({
    mode: () => state.mode,
    start: (tell) => {
      sayProblem = tell;
      return serving;
    },
    tell: (message) => void told.push(message),
    clear: async (isStarting) => {
      did.push(isStarting ? 'clears others' : 'clears all');
      await state.whileCleared();
      if (state.failure !== undefined) throw state.failure;
    },
    clock,
    log,
  });
  const leaving = new AbortController();
  const ended = services.run(leaving.signal);
  const settle = async () => {
    for (let i = 0; i < 10; i++) await turn();
  };
  return {
    ...{ did, told, log, clock, state, serving, services, settle },
    sayProblem: (message: string) => sayProblem(message),
    setMode: async (mode: ServiceMode) => {
      state.mode = mode;
      services.settingsChanged();
      await settle();
    },
    stop: async () => {
      leaving.abort();
      await ended;
    },
  };
}

test('another mode starts and ends it while the agent runs', async () => {
  const { did, services, settle, setMode, stop } = scene('kube-proxy');
  await settle();
  assert.deepEqual([services.isOn, services.size, services.problem], [false, 0, 'serviceMode is kube-proxy']);
  await setMode('ebpf');
  assert.deepEqual([services.isOn, services.size, services.problem], [true, 3, undefined]);
  await setMode('kube-proxy');
  assert.deepEqual(did, ['clears all', 'clears others', 'serves', 'ends', 'clears all']);
  await stop();
  assert.equal(did.length, 5);
});

test('what sockets asked of all Services together is told by protocol and outcome', async () => {
  const { services, settle, stop } = scene('ebpf');
  await settle();
  assert.deepEqual(services.totals(), [
    { protocol: 'UDP', outcome: 'chosen', count: 9 },
    { protocol: 'UDP', outcome: 'refused', count: 1 },
  ]);
  await stop();
  assert.deepEqual(services.totals(), []);
});

test('between ebpf and auto, and when other settings change, it goes on', async () => {
  const { did, setMode, stop } = scene('ebpf');
  await setMode('auto');
  await setMode('auto');
  assert.deepEqual(did, ['clears others', 'serves']);
  await stop();
});

test('what is wrong is told with ebpf, also when it began with auto, and only once', async () => {
  const { told, serving, settle, setMode, sayProblem, stop } = scene('auto');
  await settle();
  serving.isOn = false;
  sayProblem('no file system of type bpf');
  assert.deepEqual(told, []);
  await setMode('ebpf');
  await setMode('ebpf');
  assert.deepEqual(told, ['no file system of type bpf']);
  sayProblem('another product serves');
  assert.deepEqual(told, ['no file system of type bpf', 'another product serves']);
  await setMode('auto');
  sayProblem('a third');
  serving.isOn = true;
  await setMode('ebpf');
  assert.equal(told.length, 2);
  await stop();
});

test('a mode that changes while programs are taken away counts', async () => {
  const { did, state, services, setMode, stop } = scene('kube-proxy');
  state.whileCleared = async () => {
    state.whileCleared = async () => {};
    state.mode = 'kube-proxy';
    services.settingsChanged();
  };
  await setMode('ebpf');
  assert.deepEqual(did.slice(-2), ['ends', 'clears all']);
  await stop();
});

test('programs that cannot be taken away are told once, and tried again until they are gone', async () => {
  const { did, told, log, clock, state, services, settle, stop } = scene('kube-proxy');
  state.failure = new Error('the folder is busy');
  await settle();
  const text = 'cannot take away programs that served Services in socket calls: the folder is busy';
  assert.deepEqual([told, services.problem], [[text], text]);
  for (let second = 0; second < 10; second += 1) {
    await clock.advance(1_000);
    await settle();
  }
  assert.ok(did.length >= 3, did.join());
  assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1);
  state.failure = undefined;
  await clock.advance(60_000);
  await settle();
  assert.deepEqual([services.problem, told.length], ['serviceMode is kube-proxy', 1]);
  const tries = did.length;
  await clock.advance(600_000);
  await settle();
  assert.equal(did.length, tries);
  await stop();
});

test('while programs cannot be taken away, a change of the mode is followed at once', async () => {
  const { did, state, settle, setMode, stop } = scene('kube-proxy');
  state.failure = new Error('the folder is busy');
  await settle();
  state.failure = undefined;
  await setMode('ebpf');
  assert.equal(did.at(-1), 'serves');
  await stop();
});
