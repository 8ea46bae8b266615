import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { WatchedFact } from './watched-fact.ts';

/** A fact that tests change, and how often it was read and told of. */
function scene() {
  const clock = new FakeClock();
  const state = { value: 'a', reads: 0, told: 0, fails: false };
  const stop = new AbortController();
  const fact = new WatchedFact({
    read: () => {
      state.reads += 1;
      if (state.fails) throw new Error('the dump was interrupted');
      return state.value;
    },
    changed: () => {
      state.told += 1;
    },
    clock,
    signal: stop.signal,
    log: silentLogger,
  });
  fact.look();
  state.reads = 0;
  const pass = async () => {
    await clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, fact, stop, pass };
}

test('many events cause one read, and an unchanged fact is not reported', async () => {
  const { state, fact, pass } = scene();
  for (let i = 0; i < 100; i++) fact.mayHaveChanged();
  await pass();
  assert.deepEqual([state.reads, state.told], [1, 0]);
});

test('each change is reported once', async () => {
  const { state, fact, pass } = scene();
  for (const value of ['b', 'c']) {
    state.value = value;
    fact.mayHaveChanged();
    await pass();
    fact.mayHaveChanged();
    await pass();
  }
  assert.deepEqual([state.reads, state.told], [4, 2]);
});

test('a fact that cannot be read is reported as changed, and the program continues', async () => {
  const { state, fact, pass } = scene();
  state.fails = true;
  fact.mayHaveChanged();
  await pass();
  assert.equal(state.told, 1);
  state.fails = false;
  fact.mayHaveChanged();
  await pass();
  assert.equal(state.told, 1, 'it was as before');
});

test('nothing is read after the end', async () => {
  const { state, fact, stop, pass } = scene();
  fact.mayHaveChanged();
  stop.abort(new Error('the agent stops'));
  await pass();
  assert.equal(state.reads, 0);
});
