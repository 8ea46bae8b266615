import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { WorkQueue } from './work-queue.ts';

function queue(work: (key: string) => Promise<void>, workers = 1, log: Logger = silentLogger) {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, log, work, workers }) };
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

/** A queue that notes how many keys were worked on at once at most. */
function counted(workers: number) {
  let atOnce = 0;
  let most = 0;
  const { queue: keys } = queue(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
  }, workers);
  return { keys, most: () => most };
}

test('a key is never worked on twice at the same time', async () => {
  const { keys, most } = counted(4);
  keys.add('a');
  await Promise.resolve();
  keys.add('a');
  await keys.idle();
  assert.equal(most(), 1);
});

test('as many keys are worked on at once as the queue has workers', async () => {
  const { keys, most } = counted(4);
  for (let key = 0; key < 20; key += 1) keys.add(String(key));
  await keys.idle();
  assert.equal(most(), 4);
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

test('a key waits for its earliest time only', async () => {
  let worked = 0;
  const { clock, queue: keys } = queue(() => {
    worked += 1;
    return Promise.resolve();
  });
  for (const delayMs of [300, 100, 200]) keys.addAfter('a', delayMs);
  assert.equal(keys.delayed, 1);
  await clock.advance(99);
  await keys.idle();
  assert.equal(worked, 0);
  await clock.advance(1);
  await keys.idle();
  assert.deepEqual([worked, keys.delayed], [1, 0]);
  await clock.advance(1000);
  await keys.idle();
  assert.equal(worked, 1);
});

test('a failing key that changes often is tried once for each change, and once later', async () => {
  let tries = 0;
  const { clock, queue: keys } = queue(() => {
    tries += 1;
    return tries > 20 ? Promise.resolve() : Promise.reject(new Error('not yet'));
  });
  for (let change = 0; change < 20; change += 1) {
    keys.add('a');
    await keys.idle();
  }
  assert.deepEqual([tries, keys.delayed], [20, 1]);
  await clock.advance(60_000);
  await keys.idle();
  assert.deepEqual([tries, keys.delayed], [21, 0]);
});

test('a failure is logged as a sentence, and a bug with its stack', async () => {
  const lines: Record<string, unknown>[] = [];
  const note = (fields: object) => void lines.push(fields as Record<string, unknown>);
  const { queue: keys } = queue(
    (key) =>
      Promise.reject(
        key === 'a' ? new TypeError('a bug') : new OrbError('KUBE_NOT_FOUND', { message: 'gone' }),
      ),
    1,
    { ...silentLogger, warn: note, error: note },
  );
  keys.add('a');
  keys.add('b');
  await keys.idle();
  assert.match(String((lines[0]?.err as Error | undefined)?.stack), /TypeError: a bug[\s\S]*work-queue/);
  assert.equal(lines[1]?.error, 'gone');
});

test('after stop no waiting key is worked on', async () => {
  const worked: string[] = [];
  const { clock, queue: keys } = queue((key) => {
    worked.push(key);
    return Promise.reject(new Error('not yet'));
  });
  const sleep = clock.sleep.bind(clock);
  const waits: (AbortSignal | undefined)[] = [];
  clock.sleep = (ms, signal) => {
    waits.push(signal);
    return sleep(ms, signal);
  };
  keys.add('a');
  await keys.idle();
  keys.addAfter('b', 10);
  await keys.stop();
  keys.addAfter('c', 10);
  assert.deepEqual([waits.map((signal) => signal?.aborted), keys.delayed], [[true, true], 0]);
  await clock.advance(60_000);
  assert.deepEqual(worked, ['a']);
});
