// What a queued DEL waits for: never for other DELs that fail, wait or do not end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { delRequest, delScene, never, untilDeadline } from './del-replay-fixture.ts';

const ticket = (key: string) => ({ key, stuckAfterMs: 3_600_000, log: silentLogger });
const away = () => Promise.reject(new OrbError('KUBE_UNREACHABLE', { message: 'away' }));
const broken = () => Promise.reject(new OrbError('KUBE_FORBIDDEN', { message: 'no' }));

for (const [how, fate] of [
  ['fails at once', broken],
  ['finds no API server', away],
  ['lasts until its deadline', untilDeadline],
] as const) {
  test(`a new DEL is tried within a second, while an old one ${how} each time`, async () => {
    const { state, served, replay, queued, pass, stop } = delScene();
    state.fate = (containerId, signal) =>
      containerId === 'old' ? fate(containerId, signal) : Promise.resolve();
    await queued(delRequest('1', 'old'));
    const started = replay.start();
    await pass(120_000);
    await started;
    for (let i = 0; i < 10; i++) {
      await queued(delRequest(`a${i}`, `new${i}`));
      await pass(1_050);
      assert.deepEqual(served.length, i + 1, `new DEL ${i}`);
      await pass(700);
    }
    await stop();
  });
}

test('each DEL has a wait of its own, which grows from a second to thirty', async () => {
  const { state, triesOf, replay, queued, pass, stop } = delScene();
  state.fate = broken;
  await queued(delRequest('1', 'old'));
  await replay.start();
  await pass(300_000);
  const before = triesOf('old').length;
  // 1, 2, 4, 8, 16 seconds and then 30, each with jitter in its upper half.
  assert.ok(before >= 14 && before <= 30, `${before} tries in five minutes`);
  await queued(delRequest('2', 'young'));
  await pass(8_000);
  const young = triesOf('young').length;
  assert.ok(young >= 3 && young <= 6, `${young} tries in eight seconds`);
  assert.ok(triesOf('old').length <= before + 1, 'the wait of the old DEL is not reset');
  await stop();
});

test('a DEL that waited nine seconds for its turn has ten seconds for its work', async () => {
  const { state, served, gate, log, replay, queued, pass, stop, clock } = delScene({ limit: 1 });
  const hold = Promise.withResolvers<void>();
  const running = gate.run(ticket('other'), () => hold.promise);
  state.fate = () => clock.sleep(9_000);
  await queued(delRequest('1', 'one'));
  const started = replay.start();
  await pass(9_000);
  hold.resolve();
  await running;
  await pass(9_500);
  await started;
  assert.deepEqual(served, ['one']);
  assert.deepEqual(
    log.lines.filter(({ level }) => level !== 'info'),
    [],
  );
  await stop();
});

test('a DEL whose turn does not come was not tried, and keeps its place before those that failed', async () => {
  const { state, served, tries, gate, log, replay, queued, pass, stop } = delScene();
  const hold = Promise.withResolvers<void>();
  const running = gate.run(ticket('sandbox one'), () => hold.promise);
  state.fate = (containerId) => (containerId === 'bad' ? broken() : Promise.resolve());
  await queued(delRequest('1', 'one'));
  await queued(delRequest('2', 'bad'));
  const started = replay.start();
  await pass(60_000);
  await started;
  const failed = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual([...new Set(failed.map(({ fields }) => fields.request))], [delRequest('2', 'bad').id]);
  assert.deepEqual([...new Set(tries.map(({ containerId }) => containerId))], ['bad']);
  hold.resolve();
  await running;
  await pass(1_050);
  assert.deepEqual(served, ['one']);
  await stop();
});

test('a DEL that never ends gives back its place in the gate, but not the turn of its pod', async () => {
  const { state, served, gate, replay, queued, pass, stop } = delScene({ limit: 1 });
  state.fate = (containerId) => (containerId === 'one' ? new Promise(() => {}) : Promise.resolve());
  await queued(delRequest('1', 'one'));
  const started = replay.start();
  await pass(12_000);
  await started;
  await queued(delRequest('2', 'one'));
  await queued(delRequest('3', 'two'));
  await pass(2_000);
  assert.deepEqual(served, ['two']);
  assert.equal(gate.isBusy('sandbox one'), true);
  await stop();
});

test('the cluster is known: slow DELs hold up the start for ten seconds at most', async () => {
  const { state, replay, queued, pass, stop } = delScene();
  await replay.start();
  state.fate = never;
  for (let i = 0; i < 30; i++) await queued(delRequest(`a${i}`, `c${i}`));
  await replay.keep(delRequest('1', 'one'));
  let known = false;
  void replay.clusterKnown().then(() => {
    known = true;
  });
  await pass(10_100);
  assert.equal(known, true);
  await pass(120_000);
  await stop();
});

test('of two DELs of a pod that wait for a full gate, the second is not tried while the first is stuck', async () => {
  const { state, tries, gate, log, replay, queued, pass, stop } = delScene({ limit: 1 });
  const hold = Promise.withResolvers<void>();
  const running = gate.run(ticket('other'), () => hold.promise);
  state.fate = never;
  await queued(delRequest('1', 'one'));
  await queued(delRequest('2', 'one'));
  void replay.start();
  await pass(1_000);
  assert.equal(gate.waiting, 2);
  hold.resolve();
  await running;
  await pass(60_000);
  assert.deepEqual([tries.length, gate.stuck, replay.waiting], [1, 1, 2]);
  assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1);
  await stop();
});

test('an agent that stops starts no DEL that waits for a full gate', async () => {
  const { tries, files, gate, replay, queued, pass } = delScene({ limit: 1 });
  const hold = Promise.withResolvers<void>();
  const running = gate.run(ticket('other'), () => hold.promise);
  await queued(delRequest('1', 'one'));
  void replay.start();
  await pass(1_000);
  const stopped = replay.stop();
  hold.resolve();
  await running;
  await stopped;
  await gate.drained();
  assert.deepEqual([tries, files.files.size], [[], 1]);
});
