import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pod, resources } from '#api';
import { FakeClock } from '#base/testing';
import { Visibility } from './visibility.ts';

const type = resources.pods;
const { signal } = new AbortController();

function pod(resourceVersion: string, deletionTimestamp?: string): Pod {
  const metadata = { namespace: 'default', name: 'a', uid: 'uid-a', resourceVersion };
  return { metadata: deletionTimestamp === undefined ? metadata : { ...metadata, deletionTimestamp } };
}

/** Whether a wait is over, asked when everything that could end it has run. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  const pending = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([wait.then(() => true), pending]);
}

test('a write is visible when its version or a newer one was seen', async () => {
  const visibility = new Visibility(new FakeClock());
  const wait = visibility.until(type, pod('12'), signal);
  visibility.saw(type, { type: 'added', object: pod('9') });
  assert.equal(await isOver(wait), false);
  visibility.saw(type, { type: 'changed', object: pod('12'), before: pod('9') });
  assert.equal(await isOver(wait), true);
  assert.equal(await isOver(visibility.until(type, pod('10'), signal)), true);
});

test('a deletion is visible when the object is gone or terminating', async () => {
  const visibility = new Visibility(new FakeClock());
  visibility.saw(type, { type: 'added', object: pod('9') });
  const wait = visibility.untilGone(type, pod('9'), signal);
  assert.equal(await isOver(wait), false);
  visibility.saw(type, { type: 'changed', object: pod('10', '2026-01-01T00:00:00Z'), before: pod('9') });
  assert.equal(await isOver(wait), true);
  assert.equal(await isOver(visibility.untilGone(type, pod('9'), signal)), true);
  visibility.saw(type, { type: 'deleted', object: pod('11') });
  assert.equal(await isOver(visibility.untilGone(type, pod('9'), signal)), true);
});

test('a write that ended an object is visible although the watch showed the end before the answer came', async () => {
  const visibility = new Visibility(new FakeClock());
  visibility.saw(type, { type: 'added', object: pod('9', '2026-01-01T00:00:00Z') });
  visibility.saw(type, { type: 'deleted', object: pod('11', '2026-01-01T00:00:00Z') });
  assert.equal(await isOver(visibility.until(type, pod('10', '2026-01-01T00:00:00Z'), signal)), true);
});

test('all callers that wait for one object are woken', async () => {
  const visibility = new Visibility(new FakeClock());
  const [first, second] = [
    visibility.until(type, pod('1'), signal),
    visibility.until(type, pod('2'), signal),
  ];
  visibility.saw(type, { type: 'added', object: pod('1') });
  assert.deepEqual([await isOver(first), await isOver(second)], [true, false]);
  visibility.saw(type, { type: 'changed', object: pod('2'), before: pod('1') });
  assert.equal(await isOver(second), true);
});

test('a caller does not wait for ever when the watch breaks', async () => {
  const clock = new FakeClock();
  const wait = new Visibility(clock).until(type, pod('1'), signal);
  await clock.advance(1999);
  assert.equal(await isOver(wait), false);
  await clock.advance(1);
  assert.equal(await isOver(wait), true);
});
