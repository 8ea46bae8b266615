// A short stress run for every test run; .ci/run does the long one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insideNamespaces } from '../../e2e/namespaces.ts';
import { stress } from './stress.ts';

if (insideNamespaces(import.meta.filename)) {
  test('30 processes are killed in the lives of pods, and after DEL and GC nothing is left', async () => {
    const report = await stress({ seed: 1, kills: 30, parallel: 20 });
    assert.deepEqual(report.complaints, []);
    assert.ok(report.kills >= 30);
  });
}
