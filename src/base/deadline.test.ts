// A signal that says when it aborts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineSignal, msLeft } from './deadline.ts';
import { FakeClock } from './testing/index.ts';

test('a signal says how long its work may still take, and aborts with the first of its sources', async () => {
  const clock = new FakeClock();
  const [one, two] = [new AbortController(), new AbortController()];
  const signal = deadlineSignal([one.signal, two.signal], clock.monotonic() + 3_000);
  assert.equal(msLeft(signal, clock), 3_000);
  await clock.advance(2_000);
  assert.equal(msLeft(signal, clock), 1_000);
  await clock.advance(2_000);
  assert.equal(msLeft(signal, clock), 0);
  two.abort(new Error('gone'));
  assert.throws(() => signal.throwIfAborted(), /gone/);
});

test('of another signal nothing is known', () => {
  assert.equal(msLeft(AbortSignal.timeout(1_000), new FakeClock()), undefined);
});
