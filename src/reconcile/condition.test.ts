import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCondition } from './condition.ts';

const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const full = { type: 'Exhausted', status: 'True' as const, reason: 'NoAddress', message: 'all are held' };

test('a condition keeps the time of its last transition while its status is the same', () => {
  const first = withCondition(undefined, full, early);
  assert.deepEqual(first, [{ ...full, lastTransitionTime: early }]);
  const reworded = withCondition(first, { ...full, message: 'other words' }, late);
  assert.deepEqual(reworded, [{ ...full, message: 'other words', lastTransitionTime: early }]);
  const over = withCondition(first, { ...full, status: 'False' }, late);
  assert.deepEqual(over, [{ ...full, status: 'False', lastTransitionTime: late }]);
});

test('conditions of other types stay', () => {
  const ready = { type: 'Ready', status: 'True' as const };
  assert.deepEqual(withCondition([ready], full, early), [ready, { ...full, lastTransitionTime: early }]);
});
