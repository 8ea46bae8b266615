// The address of a pod, under random operations from three fixed seeds. `npm run test:random` does more of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOperations } from './operations.ts';
import { run } from './run.ts';

for (const seed of [1, 2, 3]) {
  test(`after random operations of seed ${seed}, no address is held twice, lost or left over`, async () => {
    const { fault, answered } = await run(randomOperations(seed, 300), seed);
    assert.equal(fault, undefined);
    assert.ok(answered > 30, `only ${answered} ADDs succeeded`);
  });
}
