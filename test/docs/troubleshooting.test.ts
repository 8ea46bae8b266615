// docs/troubleshooting.md: the texts by which a reader finds a cause are those of the programs.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const page = read('docs/troubleshooting.md');

/** Texts of the reference plugins, libcni and Multus, which are not in this repository. */
const ofOthers = [
  'Link not found',
  'failed to lookup master',
  'failed to find plugin "macvlan"',
  'failed to create macvlan: operation not supported',
  'cannot find a network-attachment-definition',
  'error waiting for pod',
  'context deadline exceeded',
];

/** The texts in code of the first column of the table that begins with this heading. */
function textsOf(heading: string): string[] {
  const [, rows = ''] = page.split(`| ${heading} |`);
  const [table = ''] = rows.split('\n\n');
  const cells = table
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ')[0] ?? '');
  return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, text = '']) => text));
}

const sources = globSync(['src/**/*.ts', 'shim/*.c'], { cwd: root })
  .filter((file) => !file.includes('.test.'))
  .map(read)
  .join('\n');

for (const heading of ['the message has | cause', 'the trace says']) {
  test(`the programs say each text of the table "${heading}"`, () => {
    const texts = textsOf(heading).filter((text) => !ofOthers.includes(text));
    assert.ok(texts.length > 1);
    // "…" stands for values.
    const parts = texts.flatMap((text) => text.split('…').map((part) => part.trim()));
    assert.deepEqual(
      parts.filter((part) => part !== '' && !sources.includes(part)),
      [],
    );
  });
}
