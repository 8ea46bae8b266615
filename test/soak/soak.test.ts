// Reflectors against a faulty server, for some seconds. `npm run test:soak` does it for longer, with any seed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.ts';

test('reflectors miss nothing of a server that resets, stalls, forgets, repeats and garbles', async () => {
  const { complaints, changes, faults } = await soak(6, 7);
  assert.deepEqual(complaints, []);
  assert.ok(changes > 500, `only ${changes} changes`);
  assert.ok(faults.size > 10, `only ${faults.size} kinds of faults`);
});
