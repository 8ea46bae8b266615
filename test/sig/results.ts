// The results that are kept in the repository, and the page that shows them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { page, type Results } from './page.ts';
import { type TestResult, testStates } from './report.ts';

const file = join(import.meta.dirname, 'results.json');
const pageFile = join(import.meta.dirname, '../../docs/kubernetes-tests.md');

/** Each test by its name: its state, or why it skipped itself. */
const kept = z.record(z.string(), z.record(z.string(), z.string().min(1)));

export function readResults(): Map<string, readonly TestResult[]> {
  const trials = kept.parse(JSON.parse(readFileSync(file, 'utf8')));
  return new Map(
    Object.entries(trials).map(([trial, tests]) => [
      trial,
      Object.entries(tests).map(([name, text]): TestResult => {
        const state = testStates.find((each) => each === text);
        return state === undefined ? { name, state: 'skipped', why: text } : { name, state };
      }),
    ]),
  );
}

export function writeResults(results: Results): void {
  const sorted = [...results].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const trials = sorted.map(([trial, tests]) => {
    const entries = tests.map(({ name, state, why }) => [name, state === 'skipped' ? why : state]);
    return [trial, Object.fromEntries(entries.toSorted())] as const;
  });
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(trials), undefined, 2)}\n`);
}

export function writePage(results: Results): void {
  writeFileSync(pageFile, page(results));
}
