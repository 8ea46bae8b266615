// docs/services-in-socket-calls.md: each fault that others met names a test that exists.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('each fault that others met names a test that its file has', () => {
  const [, section = ''] =
    /^## What others met\n([\s\S]*?)^## /m.exec(read('docs/services-in-socket-calls.md')) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| fault |'));
  assert.ok(rows.length >= 20, `${rows.length} rows`);
  for (const row of rows) {
    const [, file = '', title = ''] = /^\| .+ \| `([^`]+\.test\.ts)`: "(.+)" \|$/.exec(row) ?? [];
    assert.notEqual(title, '', row);
    assert.ok(read(file).includes(`test('${title}'`), row);
  }
});
