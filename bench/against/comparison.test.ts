import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { floorRow, limitRow } from '../row.ts';
import { compare, type Pair } from './comparison.ts';
import { comparisonReport } from './report.ts';

const row = (value: number) => limitRow('ADD, p50 : reference', 'ms', value, 4);

/** Runs of both revisions in turn; the numbers of a pair are old and new. */
function pairs(...values: readonly (readonly [old: number, young: number])[]): Pair[] {
  return values.map(([old, young]) => ({ old: [row(old)], new: [row(young)] }));
}

const verdict = (all: readonly Pair[]) => compare(all).rows[0]?.verdict;

describe('a comparison of two revisions', () => {
  test('names a row as worse that got slower by more than its noise', () => {
    assert.equal(verdict(pairs([10, 12.1], [10.1, 12], [9.9, 12.2], [10, 12.1], [10.2, 12])), 'worse');
  });

  test('names no row as worse whose pairs differ more from each other than the revisions', () => {
    assert.equal(verdict(pairs([10, 12], [13, 9], [9, 13], [12, 11], [8, 10])), 'no change');
  });

  test('names a row as worse also on a machine whose speed changes from pair to pair', () => {
    assert.equal(verdict(pairs([10, 12], [20, 24.2], [15, 18], [30, 36], [12, 14.5])), 'worse');
  });

  test('names a row as better that got faster by more than its noise', () => {
    assert.equal(verdict(pairs([12.1, 10], [12, 10.1], [12.2, 9.9], [12.1, 10], [12, 10.2])), 'better');
  });

  test('takes a lower rate as worse and a higher rate as better', () => {
    const rate = (value: number) => floorRow('writes', 'writes/s', value, 2000);
    const turns = [1, 1.01, 0.99].map((drift) => ({ old: [rate(9000 * drift)], new: [rate(7000 * drift)] }));
    assert.equal(verdict(turns), 'worse');
    assert.equal(verdict(turns.map((pair) => ({ old: pair.new, new: pair.old as Pair['new'] }))), 'better');
  });

  test('is not misled by a machine that gets slower meanwhile, because both runs of a pair do', () => {
    const [found] = compare(pairs([10, 10], [11, 11], [12, 12], [13, 13], [14, 14])).rows;
    assert.equal(found?.verdict, 'no change');
    assert.equal(found?.ratio.median, 1);
  });

  test('finds a smaller change with more pairs', () => {
    const few: [number, number][] = [
      [10, 10.8],
      [10.3, 10.5],
      [10, 10.6],
    ];
    assert.equal(verdict(pairs(...few)), 'no change');
    assert.equal(verdict(pairs(...Array.from({ length: 5 }, () => few).flat())), 'worse');
  });

  test('names every change of a count that has no noise, but not one of a tenth of a percent', () => {
    assert.equal(verdict(pairs([11, 12], [11, 12], [11, 12])), 'worse');
    assert.equal(verdict(pairs([1000, 1001], [1000, 1001], [1000, 1001])), 'no change');
  });

  test('counts failures: from none to some is worse, and none in both is no change', () => {
    assert.equal(verdict(pairs([0, 3], [0, 3], [0, 3])), 'worse');
    assert.equal(verdict(pairs([0, 0], [0, 0], [0, 0])), 'no change');
    assert.equal(verdict(pairs([3, 0], [3, 0], [3, 0])), 'better');
  });

  test('shows the median and the range of the ratios of the pairs', () => {
    const [found] = compare(pairs([10, 11], [20, 20], [10, 12])).rows;
    assert.deepEqual(found?.ratio, { median: 1.1, least: 1, most: 1.2 });
    assert.deepEqual([found?.old, found?.new], [10, 12]);
  });

  test('lists rows that only one revision has, and rows with another unit', () => {
    const seconds = limitRow('DEL', 's', 1, 4);
    const all: Pair[] = Array.from({ length: 3 }, () => ({
      old: [row(1), { name: 'gone', value: 1, unit: 'ms' }, { name: 'DEL', value: 1000, unit: 'ms' }],
      new: [row(1), limitRow('come', 'ms', 1, 4), seconds],
    }));
    const { rows, onlyOld, onlyNew } = compare(all);
    assert.deepEqual([rows.length, onlyOld, onlyNew], [1, ['gone', 'DEL'], ['come', 'DEL']]);
  });

  test('compares only rows that were measured in every pair', () => {
    const [first, ...others] = pairs([10, 10], [10, 10], [10, 10]);
    const { rows, onlyOld } = compare([{ old: first?.old ?? [], new: [] }, ...others]);
    assert.deepEqual([rows, onlyOld], [[], ['ADD, p50 : reference']]);
  });
});

describe('the report of a comparison', () => {
  test('names each row that got worse, with both values, its ratio and its noise', () => {
    const text = comparisonReport(compare(pairs([10, 12], [10, 12], [10, 12])), 'v1');
    const [, line, ...sentences] = text.split('\n');
    assert.match(line ?? '', /^ADD, p50 +10 ms +12 ms +1\.2 +1\.2 to 1\.2 +± 0 % +worse$/);
    assert.deepEqual(sentences, [
      'ADD, p50 is worse than in v1, beyond the noise: 10 ms before, 12 ms now, ratio 1.2 with a noise of 0 %.',
    ]);
  });

  test('says that nothing got worse, and which rows it could not compare', () => {
    const turns = pairs([10, 10], [10, 10], [10, 10]).map((pair) => ({
      old: [...pair.old, { name: 'gone : x', value: 1, unit: 'ms' }],
      new: [...pair.new, limitRow('come', 'ms', 1, 4)],
    }));
    assert.deepEqual(comparisonReport(compare(turns), 'v1').split('\n').slice(2), [
      'Only v1 has: gone : x.',
      'Only the new revision has: come.',
      'No benchmark is worse than in v1 beyond the noise.',
    ]);
  });

  test('says how many rows have too much noise to say anything', () => {
    const quiet = comparisonReport(compare(pairs([10, 10], [10, 10], [10, 10])), 'v1');
    assert.doesNotMatch(quiet, /noise of more/);
    const noisy = comparisonReport(compare(pairs([10, 12], [16, 9], [9, 15])), 'v1');
    assert.match(noisy, /\n1 of 1 rows have a noise of more than 25 % and say little/);
  });
});
