import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownTable, textReport } from './report.ts';
import { floorRow, limitRow, ratioRow } from './row.ts';

const value = limitRow('coordinator ADD, p50 : the same changes alone', 'ms', 4.92, 4, 2.13);
const ratio = ratioRow('ADD at 250 pods, p50 : at 1', 'ms', 5.54, 4.9, 1.1);
const plain = limitRow('shim resident', 'MB', 0.102, 1);
const rate = floorRow('writes : one fdatasync after another', 'writes/s', 1900, 2000, 7638);

/** The last cell of each line of the table. */
const results = (table: string) => table.split('\n').map((line) => line.split(/ {2,}/).at(-1));

test('a row says which number its target binds, also when both a value and a ratio are shown', () => {
  const [, first, second] = textReport([value, ratio]).split('\n');
  assert.match(first ?? '', /4\.92 ms +2\.13 ms +2\.31 +value 4\.92 ms \(target ≤ 4\): no$/);
  assert.match(second ?? '', /5\.54 ms +4\.9 ms +1\.13 +ratio 1\.13 \(target ≤ 1\.1\): no$/);
});

test('a target that is met says yes, and a rate has a minimum', () => {
  const [, met, missed] = results(textReport([plain, rate]));
  assert.equal(met, 'value 0.102 MB (target ≤ 1): yes');
  assert.equal(missed, 'value 1900 writes/s (target ≥ 2000): no');
});

test('the target itself is met', () => {
  assert.equal(limitRow('failures', 'ADDs', 0, 0).met, true);
  assert.equal(floorRow('rate', 'writes/s', 2000, 2000).met, true);
  assert.equal(ratioRow('ADD', 'ms', 20, 10, 2).met, true);
});

test('a number that was not measured meets no target', () => {
  assert.equal(limitRow('time', 'ms', Number.NaN, 4).met, false);
  assert.equal(floorRow('rate', 'writes/s', Number.NaN, 2000).met, false);
  const report = textReport([limitRow('time', 'ms', Number.NaN, 4)]);
  assert.match(report, /\ntime: the value was not measured\.$/);
});

test('below the table, a sentence names each target that is not met', () => {
  const sentences = textReport([value, ratio, plain, rate]).split('\n').slice(5);
  assert.deepEqual(sentences, [
    'coordinator ADD, p50: the value 4.92 ms is above the target 4 ms.',
    'ADD at 250 pods, p50: the ratio 1.13 is above the target 1.1.',
    'writes: the value 1900 writes/s is below the target 2000 writes/s.',
  ]);
});

test('the table of the page has the same cells', () => {
  const [, , line] = markdownTable([ratio]).split('\n');
  assert.equal(
    line,
    '| ADD at 250 pods, p50 : at 1 | 5.54 ms | 4.9 ms | 1.13 | ratio 1.13 (target ≤ 1.1): no |',
  );
});

test('the JSON of a row names what its target binds', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(plain)), {
    name: 'shim resident',
    value: 0.102,
    unit: 'MB',
    target: { binds: 'value', comparison: '≤', limit: 1, unit: 'MB' },
    met: true,
  });
  assert.equal(ratio.target.binds, 'ratio');
});
