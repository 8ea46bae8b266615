import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { statusActions } from './action.ts';

const type = resources.pods;
const pod = {
  metadata: { name: 'a' },
  status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1', rank: 1 }], others: 'x' },
};

test('a status is patched only with the fields that differ, whatever the order of their parts', () => {
  assert.deepEqual(statusActions(type, pod, { phase: 'Running', podIPs: [{ rank: 1, ip: '10.0.0.1' }] }), []);
  assert.deepEqual(statusActions(type, pod, { phase: 'Failed', podIPs: [{ rank: 1, ip: '10.0.0.1' }] }), [
    { verb: 'patch', type, object: pod, body: { status: { phase: 'Failed' } }, subresource: 'status' },
  ]);
});

test('an object without a status gets one', () => {
  const [action] = statusActions(type, { metadata: { name: 'a' } }, { phase: 'Pending' });
  assert.deepEqual(action?.verb === 'patch' && action.body, { status: { phase: 'Pending' } });
});
