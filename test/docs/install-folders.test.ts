// docs/install-folders.md and the chart have the folders of every distribution that the table of the source has.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { platforms } from '#plan/installation';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the page shows the folders of each distribution, and where they are from', () => {
  const rows = Array.from(read('docs/install-folders.md').matchAll(/^\| `([a-z0-9]+)` \|.*$/gm));
  const documented = Object.fromEntries(
    rows.map(([row, name = '']) => {
      const [binFolder, confFolder, runtimeSocket, source] = row
        .split(' | ')
        .slice(1)
        .map((cell) => cell.replace(/ \|$/, ''));
      const bare = (cell = '') => cell.replaceAll('`', '');
      return [
        name,
        {
          binFolder: bare(binFolder),
          confFolder: bare(confFolder),
          runtimeSocket: bare(runtimeSocket),
          source,
        },
      ];
    }),
  );
  assert.deepEqual(documented, platforms);
});

test('the chart ships the same table', () => {
  assert.deepEqual(JSON.parse(read('deploy/chart/files/platforms.json')), platforms);
});
