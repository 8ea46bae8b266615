import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { WorkQueue } from './work-queue.ts';

function queue(work: (key: string) => Promise<void>, workers = 1) {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, log: silentLogger, work, workers }) };
}

test('a waiting key is worked on once, and a key added during its work once more', async () => {
  const worked: string[] = [];
  const { queue: keys } = queue(async (key) => {
    worked.push(key);
    if (worked.length === 1) keys.add('a');
    await Promise.resolve();
  });
  keys.add('a');
  keys.add('b');
  keys.add('b');
  await keys.idle();
  assert.deepEqual(worked.toSorted(), ['a', 'a', 'b']);
});

test('a key is never worked on twice at the same time', async () => {
  let atOnce = 0;
  let most = 0;
  const { queue: keys } = queue(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
  }, 4);
  keys.add('a');
  await Promise.resolve();
  keys.add('a');
  await keys.idle();
  assert.equal(most, 1);
});

test('a key that fails is tried again later', async () => {
  let tries = 0;
  const { clock, queue: keys } = queue(async () => {
    tries += 1;
    if (tries < 3) throw new Error('not yet');
    await Promise.resolve();
  });
  keys.add('a');
  await keys.idle();
  assert.equal(tries, 1);
  await clock.advance(60);
  await keys.idle();
  await clock.advance(120);
  await keys.idle();
  assert.equal(tries, 3);
});

test('stop waits for the current work and takes no more', async () => {
  let finish: () => void = () => {};
  const worked: string[] = [];
  const { queue: keys } = queue(async (key) => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    worked.push(key);
  });
  keys.add('a');
  keys.add('b');
  await new Promise((resolve) => setImmediate(resolve));
  const stopped = keys.stop();
  finish();
  await stopped;
  keys.add('c');
  assert.deepEqual(worked, ['a']);
});
