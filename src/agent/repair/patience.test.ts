import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/testing';
import { Patience } from './patience.ts';

test('damage is repaired at once, then within a second, then later and later for a rival', async () => {
  const clock = new FakeClock();
  const patience = new Patience(clock);
  assert.equal(patience.delayMs('a'), 0);
  patience.repaired('a');
  assert.equal(patience.delayMs('a'), 1_000);
  assert.equal(patience.delayMs('b'), 0, 'others do not wait');
  await clock.advance(1_000);
  assert.equal(patience.delayMs('a'), 0);
  for (let i = 1; i < 30; i++) {
    patience.repaired('a');
    await clock.advance(1_000);
  }
  assert.equal(patience.delayMs('a'), 9_000);
  await clock.advance(60_000);
  assert.equal(patience.delayMs('a'), 0, 'it is forgotten');
});
