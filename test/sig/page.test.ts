import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from './page.ts';
import { reasonFor, reasons } from './reasons.ts';
import { readResults } from './results.ts';
import { suites } from './suites.ts';
import { trials } from './trials.ts';

test('the results that are kept are of trials that exist, and of whole trials', () => {
  for (const [name, tests] of readResults()) {
    const trial = trials.get(name);
    assert.ok(trial, name);
    assert.ok(tests.length >= suites[trial.suite].least, name);
  }
});

const failed = [...readResults()].flatMap(([trial, tests]) =>
  tests.filter(({ state }) => state === 'failed').map(({ name }) => [trial, name] as const),
);

test('each failure that is kept has its reason', () => {
  for (const [trial, name] of failed) assert.ok(reasonFor(trial, name), `${trial}: ${name}`);
});

test('each reason is that of a failure in each of its trials', () => {
  for (const { trials, tests } of reasons) {
    for (const trial of trials) {
      assert.ok(
        failed.some(([of, name]) => of === trial && tests.test(name)),
        `${trial}: ${tests.source}`,
      );
    }
  }
});

test('a failure that the trial without us has too is told apart', () => {
  const both = { name: 'DNS › a', state: 'failed' } as const;
  const ours = { name: 'DNS › b', state: 'failed' } as const;
  const text = page(
    new Map([
      ['underlay', [both, ours]],
      ['reference', [both, { ...ours, state: 'passed' }]],
    ]),
  );
  assert.match(
    text,
    /^\| underlay \| our underlay alone \| iptables \| Conformance \| 0 \| 2 \| 1 \| 0 \|$/m,
  );
  assert.match(text, /^\| underlay \| DNS › a \| fails too \| {2}\|$/m);
  assert.match(text, /^\| underlay \| DNS › b \| {2}\| {2}\|$/m);
});

test('a test that skipped itself counts for no group, and its reason is shown', () => {
  const skipped = { name: 'DNS › a', state: 'skipped', why: 'needs\n3 nodes' } as const;
  const text = page(new Map([['reference', [skipped, { name: 'DNS › b', state: 'passed' }]]]));
  assert.match(text, /^\| DNS \| 1 of 1 \|$/m);
  assert.match(text, /^\| DNS › a \| needs 3 nodes \|$/m);
});

test('the opening page names what is there', () => {
  const text = page(new Map());
  for (const { network } of trials.values()) assert.ok(text.includes(network.title), network.title);
});
