// DELs and other requests of random pods, with random fates. Some never end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError, Random, silentLogger } from '#base';
import { delRequest, delScene, type Fate, never, untilDeadline } from './del-replay-fixture.ts';

for (const seed of [1, 2, 3]) {
  test(`random requests: one at a time of each pod, and no DEL is lost (seed ${seed})`, async () => {
    const random = new Random(seed);
    const { state, served, gate, clock, replay, queued, pass, stop } = delScene({ limit: 8 });
    const running = new Set<string>();
    const hung = new Set<string>();
    const atOnce: string[] = [];
    let isStormy = true;
    const fateOf = async (pod: string, signal: AbortSignal): Promise<void> => {
      const fate = isStormy ? random.below(40) : 40;
      if (fate === 0) {
        hung.add(pod);
        await never(pod, signal);
      }
      if (fate < 3) await untilDeadline(pod, signal);
      if (fate < 8) throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
      await clock.sleep(random.below(3_000));
    };
    const work: Fate = async (pod, signal) => {
      if (running.has(pod)) atOnce.push(pod);
      running.add(pod);
      try {
        await fateOf(pod, signal);
      } finally {
        running.delete(pod);
      }
    };
    state.fate = work;
    void replay.start();
    const pods: string[] = [];
    for (let i = 0; i < 150; i++) {
      const pod = `p${random.below(60)}`;
      if (random.below(3) === 0) {
        const ticket = { key: `sandbox ${pod}`, stuckAfterMs: 20_000, log: silentLogger };
        const late = new AbortController();
        void clock.sleep(10_000).then(() => late.abort(new Error('late')));
        gate
          .run({ ...ticket, startByMs: clock.monotonic() + 5_000 }, () => work(pod, late.signal))
          .catch(() => {});
      } else {
        pods.push(pod);
        await queued(delRequest(i.toString(16), pod));
      }
      if (random.below(4) === 0) await pass(random.below(20) * 50);
    }
    await pass(30_000);
    isStormy = false;
    await pass(120_000);
    const others = (names: readonly string[]) => names.filter((pod) => !hung.has(pod)).toSorted();
    assert.deepEqual(others(served), others(pods));
    assert.deepEqual(atOnce, []);
    assert.deepEqual([gate.running, gate.waiting, gate.stuck], [0, 0, hung.size]);
    await stop();
  });
}
