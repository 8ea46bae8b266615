// Since when a reason holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonSinceMs } from './index.ts';
import { at, factsOf, NOW_MS, podOf, present } from './reclaim-fixture.ts';

const since = (metadata: object, more: object = {}) => {
  const ms = reasonSinceMs(factsOf({ holder: present(podOf({ metadata, ...more })) }));
  return ms === undefined ? undefined : (ms - NOW_MS) / 1000;
};

test('a pod runs since its start, else since its creation', () => {
  assert.equal(since({ creationTimestamp: at(-9) }), -9);
  assert.equal(since({ creationTimestamp: at(-9) }, { status: { startTime: at(-8) } }), -8);
  assert.equal(since({}), undefined);
});

test('a deletion counts from its request, and a finished pod from the end of its last container', () => {
  assert.equal(since({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }), -10);
  const terminated = { exitCode: 0, finishedAt: at(-70) };
  const containerStatuses = [
    { name: 'c', ready: false, restartCount: 0, image: '', imageID: '', state: { terminated } },
  ];
  assert.equal(since({}, { phase: 'Succeeded', status: { containerStatuses } }), -70);
});

test('nothing says when a pod went; one of its name tells since when it was replaced at the latest', () => {
  assert.equal(reasonSinceMs(factsOf()), undefined);
  const namesake = podOf({ uid: 'u2', metadata: { creationTimestamp: at(-5) } });
  assert.equal(reasonSinceMs(factsOf({ namesake })), NOW_MS - 5000);
  assert.equal(reasonSinceMs(factsOf({ holder: { state: 'unreadable', said: 'no' } })), undefined);
});
