// Runs test files inside the user-mode machine, one after the other. It writes the number of passed tests into the shared folder.

import { readFileSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** The file that {@link ./main.ts} reads. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const share = '/mnt/share';
const files = JSON.parse(readFileSync(`${share}/files.json`, 'utf8')) as string[];
let totals: Totals | undefined;
// Each file runs in its own process, because tests that enter namespaces must not share one.
const events = run({ files, concurrency: 1, timeout: 1_200_000 });
// The runner counts only tests. It does not count the tests of a suite that is skipped as a whole.
let suitesSkipped = 0;
events.on('test:pass', ({ skip, details }) => {
  if (details.type === 'suite' && skip !== undefined) suitesSkipped++;
});
events.on('test:summary', ({ file, counts }) => {
  if (file !== undefined) return;
  const { passed, skipped, tests } = counts;
  totals = { passed, skipped: skipped + suitesSkipped, failed: tests - passed - skipped };
});
await pipeline(events, new spec(), process.stdout, { end: false });
writeFileSync(`${share}/totals.json`, JSON.stringify(totals));
