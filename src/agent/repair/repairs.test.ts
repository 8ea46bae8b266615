import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeNamespace } from '#net/testing';
import type { PodState } from './pod-repair.ts';
import { Repairs } from './repairs.ts';

const wholePod = (containerId: string): PodState => ({
  containerId,
  pod: { namespace: 'default', name: containerId, uid: `uid-${containerId}` },
  interfaces: ['eth0'],
  changes: [],
  attached: true,
  damage: [],
  differences: [],
  lost: [],
  repairable: true,
});

/** An agent with these pods; `state` says what their repair comes to. */
function scene(...containers: string[]) {
  const clock = new FakeClock();
  const looked: string[] = [];
  const told: string[] = [];
  const busy = new Set<string>();
  const requests = { running: 0 };
  const state: { outcome: (containerId: string) => PodState | Error | undefined; entering: () => void } = {
    outcome: wholePod,
    entering: () => {},
  };
  const repairs = new Repairs({
    pods: {
      containers: () => containers,
      podOf: () => undefined,
      enter: async () => {
        state.entering();
        return new FakeNamespace();
      },
      repair: (containerId) => {
        looked.push(containerId);
        const outcome = state.outcome(containerId);
        if (outcome instanceof Error) throw outcome;
        return outcome && { state: outcome, recorded: Promise.resolve() };
      },
    },
    node: {
      repair: () => {
        looked.push('the node');
        return [];
      },
    },
    isBusy: (containerId) => busy.has(containerId),
    requests,
    report: {
      pod: ({ containerId }, cause) => told.push(`${containerId} ${cause}`),
      node: (repaired) => told.push(`node ${repaired.length}`),
      failed: (containerId, _pod, error) => told.push(`${containerId} failed: ${error}`),
      gone: (containerId) => told.push(`${containerId} gone`),
    },
    clock,
    log: silentLogger,
  });
  /** Time passes, and what became due gets its turns. */
  const pass = async (ms: number) => {
    for (let step = 0; step < 10; step++) {
      await clock.advance(ms / 10);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { repairs, looked, told, busy, requests, state, pass };
}

test('many events of a pod cause one comparison of that pod', async () => {
  const { repairs, looked, told, pass } = scene('a', 'b');
  for (let i = 0; i < 20; i++) repairs.wake('a', 'event');
  await pass(1_000);
  assert.deepEqual([looked, told], [['a'], ['a event']]);
});

test('an event during a comparison causes another comparison', async () => {
  const { repairs, looked, state, pass } = scene('a');
  state.outcome = (containerId) => {
    if (looked.length === 1) repairs.wake('a', 'event');
    return wholePod(containerId);
  };
  repairs.wake('a', 'event');
  await pass(1_000);
  assert.deepEqual(looked, ['a', 'a']);
});

test('a pod is compared after its running verb has ended, and other pods do not wait', async () => {
  const { repairs, looked, busy, pass } = scene('a', 'b');
  busy.add('a');
  repairs.wake('a', 'event');
  repairs.wake('b', 'event');
  await pass(2_000);
  assert.deepEqual(looked, ['b']);
  busy.delete('a');
  await pass(200);
  assert.deepEqual(looked, ['b', 'a']);
});

test('comparisons give way to requests of any pod, each for 200 ms at most', async () => {
  const { repairs, looked, requests, pass } = scene('a', 'b', 'c');
  requests.running = 1;
  for (const pod of ['a', 'b', 'c']) repairs.wake(pod, 'event');
  await pass(150);
  await pass(150);
  assert.deepEqual(looked, []);
  await pass(100);
  assert.deepEqual(looked, ['a']);
  requests.running = 0;
  await pass(20);
  assert.deepEqual(looked, ['a', 'b', 'c']);
});

test('a pod is not compared when one of its verbs starts while its namespace is opened', async () => {
  const { repairs, looked, busy, state, pass } = scene('a');
  state.entering = () => busy.add('a');
  repairs.wake('a', 'event');
  await pass(1_000);
  assert.deepEqual(looked, []);
  state.entering = () => {};
  busy.delete('a');
  await pass(1_000);
  assert.deepEqual(looked, ['a']);
});

test('a failed repair is reported and tried again, later and later', async () => {
  const { repairs, told, state, pass } = scene('a');
  state.outcome = () => new Error('ENOMEM');
  repairs.wake('a', 'event');
  await pass(60_000);
  const tries = told.length;
  assert.ok(tries >= 3 && tries <= 10, `${tries} tries in a minute`);
  assert.ok(told.every((line) => line === 'a failed: ENOMEM'));
  state.outcome = wholePod;
  await pass(61_000);
  assert.equal(told.at(-1), 'a event');
  const after = told.length;
  await pass(61_000);
  assert.equal(told.length, after, 'and then it is well');
});

test('changed settings of the cluster do not wait behind a rival that breaks the pod again and again', async () => {
  const { repairs, looked, state, pass } = scene('a');
  state.outcome = (containerId) => ({ ...wholePod(containerId), damage: ['x'], differences: ['x'] });
  for (let i = 0; i < 30; i++) {
    repairs.wake('a', 'event');
    await pass(1_200);
  }
  // By now the rival waits ten seconds each time.
  const before = looked.length;
  repairs.wake('a', 'event');
  await pass(300);
  repairs.wakeAll('plan');
  await pass(400);
  assert.deepEqual(looked.slice(before).toSorted(), ['a', 'the node']);
});

test('a rival causes a few comparisons in a minute, not hundreds', async () => {
  const { repairs, looked, state, pass } = scene('a');
  state.outcome = (containerId) => {
    repairs.wake('a', 'event');
    return { ...wholePod(containerId), damage: ['x'], differences: ['x'] };
  };
  repairs.wake('a', 'event');
  for (let i = 0; i < 60; i++) await pass(2_000);
  assert.ok(looked.length > 10 && looked.length < 80, `${looked.length} looks in two minutes`);
});

test('a sandbox that is gone is reported and not tried again', async () => {
  const { repairs, told, state, pass } = scene('a');
  state.outcome = () => undefined;
  repairs.wake('a', 'event');
  await pass(60_000);
  assert.deepEqual(told, ['a gone']);
});

test('without events, each pod and the node are compared once in five minutes', async () => {
  const { repairs, looked, pass } = scene('a', 'b', 'c');
  repairs.start();
  for (let i = 0; i < 21; i++) await pass(15_000);
  assert.deepEqual(looked.toSorted(), ['a', 'b', 'c', 'the node']);
  await repairs.stop();
});
