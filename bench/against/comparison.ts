// Compares the rows of two revisions that ran in turn, and says which rows changed by more than chance.

import { median, type Row } from '../row.ts';
import type { Target } from '../target.ts';

/** A row as every revision writes it. Other fields differ between revisions. */
export type Figure = Pick<Row, 'name' | 'value' | 'unit'>;

/** A row of this revision. Its target says whether more or less is worse. */
export interface NewFigure extends Figure {
  readonly target: Pick<Target, 'comparison'>;
}

/** One run of each revision, one after the other. */
export interface Pair {
  readonly old: readonly Figure[];
  readonly new: readonly NewFigure[];
}

export type Verdict = 'worse' | 'better' | 'no change';

/** A row that both revisions have. */
export interface ComparedRow {
  readonly name: string;
  readonly unit: string;
  /** The median of the old revision. */
  readonly old: number;
  /** The median of the new revision. */
  readonly new: number;
  /** The median, the least and the greatest of the ratios new / old of the pairs. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number };
  /** How far chance alone may move the median ratio from 1: a ratio from 1 / (1 + noise) to 1 + noise. */
  readonly noise: number;
  readonly verdict: Verdict;
}

export interface Comparison {
  readonly rows: readonly ComparedRow[];
  /** The names of rows that only one revision has. A row with another unit is another row. */
  readonly onlyOld: readonly string[];
  readonly onlyNew: readonly string[];
}

/**
 * Student's t for a probability of 99.5 %, for 3 to 11 pairs; the last one is used for more pairs. In a simulation of 5
 * pairs of equal revisions, 1 row of 140 to 220 was worse by chance. So a report of thirty rows is wrong about once in six.
 */
const students = [9.92, 5.84, 4.6, 4.03, 3.71, 3.5, 3.36, 3.25, 3.17];
/** A smaller change of the median is no change, also where a row has no noise at all. */
const LEAST_CHANGE = 0.01;

/** Compares the rows that have a value in every pair. */
export function compare(pairs: readonly Pair[]): Comparison {
  const old = valuesByRow(pairs.map((pair) => pair.old));
  const young = valuesByRow(pairs.map((pair) => pair.new));
  const rows = new Map(pairs.flatMap((pair) => pair.new.map((row) => [keyOf(row), row])));
  const isComplete = (values: readonly number[] | undefined) => values?.length === pairs.length;
  return {
    rows: [...rows].flatMap(([key, row]) => {
      const [before = [], after = []] = [old.get(key), young.get(key)];
      return isComplete(before) && isComplete(after) ? [compareRow(row, before, after)] : [];
    }),
    onlyOld: namesOf([...old.keys()].filter((key) => !isComplete(young.get(key)))),
    onlyNew: namesOf([...young.keys()].filter((key) => !isComplete(old.get(key)))),
  };
}

function compareRow(
  { name, unit, target }: NewFigure,
  old: readonly number[],
  young: readonly number[],
): ComparedRow {
  const ratios = young.map((value, index) => quotient(value, old[index] ?? Number.NaN));
  const middle = median(ratios);
  const noise = noiseOf(ratios, middle);
  const ratio = { median: middle, least: Math.min(...ratios), most: Math.max(...ratios) };
  const change = target.comparison === '≤' ? middle : quotient(1, middle);
  const verdict = verdictOf(change, Math.max(noise, LEAST_CHANGE));
  return { name, unit, old: median(old), new: median(young), ratio, noise, verdict };
}

/** `change` is above 1 when the new revision is worse. */
function verdictOf(change: number, noise: number): Verdict {
  if (change > 1 + noise) return 'worse';
  return quotient(1, change) > 1 + noise ? 'better' : 'no change';
}

/**
 * The ratios of the pairs differ by chance alone. Both runs of a pair are close in time, so a machine that gets slower from
 * pair to pair adds no noise. This is the half width of a confidence interval (paired t-test) of the ratios' logarithms.
 */
function noiseOf(ratios: readonly number[], middle: number): number {
  const deviations = ratios.map((ratio) => Math.log(quotient(ratio, middle)));
  const squares = deviations.reduce((total, deviation) => total + deviation ** 2, 0);
  const standardError = Math.sqrt(squares / (ratios.length - 1) / ratios.length);
  const student = students[Math.min(ratios.length - 3, students.length - 1)] ?? Number.NaN;
  return Math.expm1(student * standardError);
}

/** The ratio of two values. Equal values have the ratio 1, also two zeros: a row may count failures. */
function quotient(value: number, by: number): number {
  return value === by ? 1 : value / by;
}

function keyOf({ name, unit }: Figure): string {
  return `${name}\0${unit}`;
}

function namesOf(keys: readonly string[]): string[] {
  return keys.map((key) => key.split('\0')[0] ?? key);
}

function valuesByRow(runs: readonly (readonly Figure[])[]): Map<string, number[]> {
  const values = new Map<string, number[]>();
  for (const figure of runs.flat())
    values.set(keyOf(figure), [...(values.get(keyOf(figure)) ?? []), figure.value]);
  return values;
}
