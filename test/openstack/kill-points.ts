// At which of its steps a writer is killed.

import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { isLong } from './scene.ts';

/** Steps from 1 on, without an end: each one with --all, else one of four, and others in each run. */
export function* killPoints(t: TestContext): Generator<number, never> {
  const stride = isLong ? 1 : 4;
  const first = 1 + randomInt(stride);
  t.diagnostic(`killed at step ${first} and then every ${stride} steps`);
  for (let step = first; ; step += stride) yield step;
}
