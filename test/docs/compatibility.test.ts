// docs/compatibility.md: complete, and what it names exists.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/compatibility.md'), 'utf8');

interface Row {
  readonly number: string;
  readonly proof: string;
}

const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => /^\| [#A-Z]\d+ \|/.test(line))
  .map((line) => {
    const cells = line.slice(2, -2).split(' | ');
    return { number: cells[0] ?? '', proof: cells.at(-1) ?? '' };
  });

test('every defect and every limit has one row', () => {
  const expected = Object.entries({ B: 36, C: 10, K: 15 }).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
  );
  assert.deepEqual(
    rows.map(({ number }) => number).filter((number) => /^[BCK]\d\d?$/.test(number)),
    expected,
  );
});

test('every row names existing tests or decisions, or says why there are none', () => {
  for (const { number, proof } of rows) {
    if (proof.startsWith('Not done: ')) continue;
    for (const part of proof.split('<br>')) {
      const [, decision] = /^\[\d{4}\]\((adr\/[\w-]+\.md)\)$/.exec(part) ?? [];
      const [, file = '', title = ''] = /^`([^`]+\.test\.ts)` › \*(.+)\*$/.exec(part) ?? [];
      assert.ok(
        decision !== undefined || title !== '',
        `${number}: "${part}" is neither a test nor a decision`,
      );
      const path = join(root, decision === undefined ? file : `docs/${decision}`);
      assert.ok(existsSync(path), `${number}: ${path} does not exist`);
      if (decision === undefined) assertTitle(path, title, number);
    }
  }
});

/** As the argument of `test` or `describe`; a template may put something before or behind. */
function assertTitle(path: string, title: string, number: string): void {
  const titles = readFileSync(path, 'utf8').matchAll(/\b(?:test|describe)\(\s*(['"`])(.+?)\1,/g);
  const said = [...titles].map((match) => match[2] ?? '');
  assert.ok(
    said.some((one) => one === title || (one.includes('${') && one.includes(title))),
    `${number}: ${path} has no test "${title}"`,
  );
}
