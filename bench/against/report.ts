// The comparison of two revisions as text.

import { textTable } from '../report.ts';
import { shortName } from '../row.ts';
import { formatNumber, withUnit } from '../target.ts';
import type { ComparedRow, Comparison } from './comparison.ts';

const heads = ['what', 'old', 'new', 'new : old', 'range', 'noise', 'verdict'];

/** A row with more noise shows only changes that nobody would miss. */
const USEFUL_NOISE = 0.25;

/** The table of all rows, and sentences for what a release check must see. `old` names the old revision. */
export function comparisonReport({ rows, onlyOld, onlyNew }: Comparison, old: string): string {
  const worse = rows.filter(({ verdict }) => verdict === 'worse');
  return [
    textTable([heads, ...rows.map(cells)]),
    ...onlyOld.map((name) => `Only ${old} has: ${name}.`),
    ...onlyNew.map((name) => `Only the new revision has: ${name}.`),
    ...worse.map((row) => `${shortName(row)} is worse than in ${old}, beyond the noise: ${change(row)}.`),
    ...noisyText(rows),
    ...(worse.length === 0 ? [`No benchmark is worse than in ${old} beyond the noise.`] : []),
  ].join('\n');
}

function noisyText(rows: readonly ComparedRow[]): string[] {
  const count = rows.filter(({ noise }) => noise > USEFUL_NOISE).length;
  if (count === 0) return [];
  const limit = percent(USEFUL_NOISE);
  return [
    `${count} of ${rows.length} rows have a noise of more than ${limit} and say little: use a quiet machine or more pairs.`,
  ];
}

function cells(row: ComparedRow): string[] {
  const { unit, ratio, noise, verdict } = row;
  return [
    shortName(row),
    withUnit(row.old, unit),
    withUnit(row.new, unit),
    formatNumber(ratio.median),
    `${formatNumber(ratio.least)} to ${formatNumber(ratio.most)}`,
    `± ${percent(noise)}`,
    verdict,
  ];
}

function change({ unit, ratio, noise, ...row }: ComparedRow): string {
  const values = `${withUnit(row.old, unit)} before, ${withUnit(row.new, unit)} now`;
  return `${values}, ratio ${formatNumber(ratio.median)} with a noise of ${percent(noise)}`;
}

function percent(noise: number): string {
  return `${formatNumber(noise * 100)} %`;
}
