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

test('every defect, every limit and every weak spot has one row', () => {
  const expected = Object.entries({ B: 36, C: 10, K: 15, W: 35 }).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
  );
  assert.deepEqual(
    rows.map(({ number }) => number).filter((number) => /^[BCKW]\d\d?$/.test(number)),
    expected,
  );
});

/** The numbers of Spiderpool's list of end-to-end cases (test/doc in its repository), by their letter. */
const cases = {
  A: '1-18',
  C: '1-24',
  D: '1-17',
  E: '1-10 19-21 31 43-44',
  F: '1-3',
  G: '1-12',
  H: '1',
  I: '1-24',
  K: '1-2',
  L: '1-9',
  M: '1-17 19-40',
  N: '1-6',
  P: '2',
  R: '1-7',
  S: '1-4',
  T: '1-5',
  V: '1-11',
  Y: '1-5',
} as const;

test('every end-to-end case of Spiderpool has a row', () => {
  const expected = Object.entries(cases).flatMap(([letter, spans]) =>
    spans.split(' ').flatMap((span) => {
      const [first = 0, last = first] = span.split('-').map(Number);
      return Array.from(
        { length: last - first + 1 },
        (_, i) => `${letter}${String(first + i).padStart(5, '0')}`,
      );
    }),
  );
  const present = new Set(rows.map(({ number }) => number));
  assert.deepEqual(
    expected.filter((number) => !present.has(number)),
    [],
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
