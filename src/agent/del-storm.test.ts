// Long queues in which some DELs never succeed, agents that die in the middle, a full gate, a clock that jumps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { requestFrame } from '#cni';
import { MemoryStateFiles } from '#node';
import { delRequest, delScene, type Fate, never, untilDeadline } from './del-replay-fixture.ts';

const PODS = 200;
/** One of ten never succeeds: the oldest, so that the others stand behind them. */
const isBad = (containerId: string) => Number(containerId.slice(1)) < PODS / 10;
const containers = Array.from({ length: PODS }, (_, i) => `c${i}`);
const good = containers.filter((containerId) => !isBad(containerId));

const bad: Readonly<Record<string, Fate>> = {
  'fail at once': () => Promise.reject(new OrbError('KUBE_FORBIDDEN', { message: 'no' })),
  'find no API server': () => Promise.reject(new OrbError('KUBE_UNREACHABLE', { message: 'away' })),
  'last until their deadline': untilDeadline,
  'never end': never,
};

async function fill(scene: ReturnType<typeof delScene>): Promise<void> {
  for (const [i, containerId] of containers.entries()) {
    await scene.queued(delRequest(i.toString(16), containerId));
  }
}

for (const [how, fate] of Object.entries(bad)) {
  test(`${PODS} DELs, of which 20 ${how}: the others are served, and then a new one within a second`, async () => {
    const scene = delScene();
    const { state, served, tries, replay, queued, pass, stop, gate } = scene;
    state.fate = (containerId, signal) =>
      isBad(containerId) ? fate(containerId, signal) : Promise.resolve();
    await fill(scene);
    let started = false;
    void replay.start().then(() => {
      started = true;
    });
    await pass(10_050);
    assert.ok(started, 'the start of the agent waits ten seconds at most');
    // Where the bad ones take their whole time, 20 of them in six lanes.
    await pass(35_000);
    assert.deepEqual([...served].sort(), [...good].sort());
    for (let i = 0; i < 20; i++) {
      await queued(delRequest(`a${i}`, `c${1000 + i}`));
      await pass(1_050);
      assert.equal(served.at(-1), `c${1000 + i}`);
    }
    assert.equal(replay.waiting, 20);
    tries.length = 0;
    await pass(60_000);
    // Each waits half of 30 seconds at least.
    assert.ok(tries.length <= 20 * 4, `${tries.length} tries a minute`);
    assert.ok(gate.running <= 4);
    await stop();
  });
}

test('an agent that dies in the middle loses no DEL, and the next agent serves all', async () => {
  const files = new MemoryStateFiles();
  const first = delScene({ files });
  const { clock } = first;
  first.state.fate = () => clock.sleep(100);
  await fill(first);
  void first.replay.start();
  await first.pass(1_000);
  const before = [...first.served];
  // It does nothing more: its clock stands still.
  assert.ok(before.length > 0 && before.length < PODS, `${before.length} served`);
  const second = delScene({ files });
  await second.replay.start();
  const both = new Set([...before, ...second.served]);
  assert.deepEqual([both.size, files.files.size], [PODS, 0]);
  assert.ok(second.served.length <= PODS - before.length + 12, 'only those that ran are repeated');
  await second.replay.stop();
});

test('an agent that stops in the middle ends what runs, starts nothing more and loses nothing', async () => {
  const scene = delScene();
  const { state, served, files, replay, pass, clock, gate } = scene;
  state.fate = () => clock.sleep(100);
  await fill(scene);
  void replay.start();
  await pass(1_000);
  const stopped = replay.stop();
  await pass(200);
  await stopped;
  const { length } = served;
  await pass(5_000);
  assert.equal(served.length, length);
  assert.equal(files.files.size, PODS - length);
  await gate.drained();
});

test('while the gate is full, no queued DEL counts as tried or hung; afterwards all are served', async () => {
  const scene = delScene({ limit: 4 });
  const { served, tries, gate, log, replay, pass, stop } = scene;
  const hold = Promise.withResolvers<void>();
  const running = ['a', 'b', 'c', 'd'].map((key) =>
    gate.run({ key, stuckAfterMs: 3_600_000, log: silentLogger }, () => hold.promise),
  );
  await fill(scene);
  void replay.start();
  await pass(300_000);
  assert.deepEqual([tries.length, gate.stuck], [0, 0]);
  assert.ok(gate.waiting <= 12, 'the queue does not fill the gate');
  hold.resolve();
  await Promise.all(running);
  await pass(1_050);
  assert.equal(served.length, PODS);
  assert.deepEqual(
    log.lines.filter(({ level }) => level !== 'info'),
    [],
  );
  await stop();
});

test('requests of runtimes get their turn between the DELs of a long queue', async () => {
  const scene = delScene({ limit: 4 });
  const { served, gate, clock, state, replay, pass, stop } = scene;
  state.fate = () => clock.sleep(500);
  await fill(scene);
  void replay.start();
  await pass(1_000);
  let added = false;
  void gate.run({ key: 'pod new', stuckAfterMs: 60_000, log: silentLogger }, async () => {
    added = true;
  });
  await pass(1_600);
  assert.ok(added, 'at most twelve DELs stand before it');
  assert.ok(served.length < PODS / 4);
  await pass(60_000);
  await stop();
});

/** The wall clock jumps; the clock for durations does not. */
class JumpingClock extends FakeClock {
  jumpMs = 0;
  override now(): number {
    return super.now() + this.jumpMs;
  }
}

test('a wall clock that jumps changes no wait', async () => {
  for (const jumpMs of [-86_400_000, 86_400_000]) {
    const clock = new JumpingClock();
    const { state, triesOf, served, replay, queued, pass, stop } = delScene({ clock });
    state.fate = (containerId) =>
      containerId === 'old'
        ? Promise.reject(new OrbError('KUBE_FORBIDDEN', { message: 'no' }))
        : Promise.resolve();
    await queued(delRequest('1', 'old'));
    await replay.start();
    await pass(60_000);
    const before = triesOf('old').length;
    clock.jumpMs = jumpMs;
    await queued(delRequest('2', 'new'));
    await pass(1_050);
    assert.deepEqual(served, ['new']);
    await pass(60_000);
    const after = triesOf('old').length - before;
    assert.ok(after >= 2 && after <= 4, `${after} tries in a minute after a jump of ${jumpMs} ms`);
    await stop();
  }
});

test('a queue whose order in time is lost is served all the same', async () => {
  const files = new MemoryStateFiles();
  const { served, replay, stop } = delScene({ files });
  for (const [i, containerId] of ['a', 'b', 'c'].entries()) {
    const request = delRequest(`${i}`, containerId);
    await files.write(`${request.id}.del`, requestFrame(request));
  }
  // The clock was set back between the first and the second.
  const first = files.files.get(`${delRequest('0', 'a').id}.del`);
  if (first !== undefined) first.modifiedMs = Number.MAX_SAFE_INTEGER;
  await replay.start();
  assert.deepEqual(served, ['b', 'c', 'a']);
  await stop();
});

test('many DELs of one pod: one after the other, and a stuck one holds up no other pod', async () => {
  const { state, served, tries, log, replay, queued, pass, stop, gate } = delScene();
  state.fate = (containerId, signal) =>
    containerId === 'bad' ? never(containerId, signal) : Promise.resolve();
  for (let i = 0; i < 50; i++) await queued(delRequest(`b${i}`, 'bad'));
  for (let i = 0; i < 50; i++) await queued(delRequest(`c${i}`, 'same'));
  const started = replay.start();
  await pass(10_050);
  await started;
  assert.equal(served.length, 50);
  await pass(300_000);
  assert.equal(tries.filter(({ containerId }) => containerId === 'bad').length, 1);
  assert.deepEqual([replay.waiting, gate.stuck, gate.running], [50, 1, 0]);
  assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1, 'it is told once');
  await stop();
});
