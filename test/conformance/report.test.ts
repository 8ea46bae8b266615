import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from './case.ts';
import { markdown, outcomesIn } from './report.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');

test('a run of one type keeps the outcomes of all other types on the page', () => {
  assert.equal(markdown(outcomesIn(page)), page);
  const outcomes = outcomesIn(page).get('sbr');
  assert.ok(outcomes);
  const reason =
    'a reason that is as long as this one goes on in the next line; it has a | and a <, which pages escape';
  const failed = outcomes.map((one): Outcome => ({ ...one, verdict: 'FAIL', reason }));
  const next = markdown(new Map([...outcomesIn(page), ['sbr', failed], ['new', failed]]));
  assert.deepEqual(outcomesIn(next).get('new'), failed);
  assert.deepEqual(outcomesIn(next).get('sbr'), failed);
  assert.deepEqual(outcomesIn(next).get('macvlan'), outcomesIn(page).get('macvlan'));
});
