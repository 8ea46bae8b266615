import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKey, selfSigned, stillServes } from './certificate.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2030, 0, 1);
const key = newKey();
const made = selfSigned(key, ['localhost', '127.0.0.1', '::1', 'fd00:0:0::5'], nowMs);

test('a certificate serves again for its own names', () => {
  assert.equal(stillServes(made, ['localhost', '127.0.0.1', '::1', 'fd00::5'], nowMs), true);
});

test('a certificate does not serve for another name, with another key, or in its last month', () => {
  assert.equal(stillServes(made, ['127.0.0.2'], nowMs), false);
  assert.equal(stillServes(made, ['elsewhere'], nowMs), false);
  assert.equal(stillServes({ ...made, key: newKey() }, ['localhost'], nowMs), false);
  assert.equal(stillServes(made, ['localhost'], nowMs + 3630 * dayMs), false);
});
