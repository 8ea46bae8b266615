import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrbError } from '#base';
import { againOnConflict } from './on-conflict.ts';

/** Meets so many conflicts before it is done. */
function meeting(conflicts: number) {
  let tries = 0;
  return async () => {
    if (tries++ < conflicts) throw new OrbError('KUBE_CONFLICT', { message: 'somebody was faster' });
    return tries;
  };
}

test('work is done again after a conflict, as often as is said', async () => {
  assert.equal(await againOnConflict(2, meeting(2)), 3);
  await assert.rejects(againOnConflict(2, meeting(3)), { code: 'KUBE_CONFLICT' });
});

test('work with another error is not done again', async () => {
  let tries = 0;
  const work = async () => {
    tries++;
    throw new OrbError('KUBE_NOT_FOUND', { message: 'it is gone' });
  };
  await assert.rejects(againOnConflict(2, work), { code: 'KUBE_NOT_FOUND' });
  assert.equal(tries, 1);
});
