// A short stress run for every test run; .ci/run does the long one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insideNamespaces } from '../../e2e/namespaces.ts';
import { stress } from './stress.ts';

if (insideNamespaces(import.meta.filename)) {
  test('after 30 killed processes, DEL and GC leave nothing behind', async () => {
    const report = await stress({ seed: 1, kills: 30, parallel: 20 });
    assert.deepEqual(report.complaints, []);
    assert.ok(report.kills >= 30);
  });
}
