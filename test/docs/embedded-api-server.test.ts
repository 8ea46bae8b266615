// docs/embedded-api-server.md names every kind that is served, and every part of a kind that is answered with 501.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtInKinds } from '../../src/apiserver/builtin/kinds.ts';
import { unservedParts } from '../../src/apiserver/verbs/unserved.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/embedded-api-server.md'), 'utf8');
const [served = '', notServed = ''] = text.split('## What is not served');

/** The words in code of the rows of the table in a part of the page. */
function named(part: string, column: number): string[] {
  const rows = part.split('\n').filter((line) => line.startsWith('| '));
  return rows.flatMap((row) =>
    [...(row.split('|')[column] ?? '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  );
}

test('the table of kinds lists the kinds that the server knows, each under its group', () => {
  const kinds = builtInKinds().resources.map(({ kind }) => kind);
  assert.deepEqual(named(served, 2).toSorted(), kinds.toSorted());
  for (const { kind, group } of builtInKinds().resources) {
    const row = served.split('\n').find((line) => line.split('|')[2]?.includes(`\`${kind}\``));
    assert.equal(row?.split('|')[1]?.trim(), group || 'core', kind);
  }
});

test('the table of missing parts lists every part that is answered with 501', () => {
  const parts = named(notServed.split('## Webhooks')[0] ?? '', 1).filter((name) => name.includes('/'));
  assert.deepEqual(parts.toSorted(), unservedParts.toSorted());
});
