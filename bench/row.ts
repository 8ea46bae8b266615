// One line of the benchmarks' report.

import { isMet, type Target } from './target.ts';

/** A measurement and its reference, measured in turn in the same run. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value of the reference, in the same unit. */
  readonly reference?: number;
  /** value / reference. */
  readonly ratio?: number;
  readonly target: Target;
  readonly met: boolean;
}

/** A row whose ratio may be at most `limit`. */
export function ratioRow(name: string, unit: string, value: number, reference: number, limit: number): Row {
  return row(name, value, unit, { binds: 'ratio', comparison: '≤', limit, unit: '' }, reference);
}

/** A row of rates, whose ratio must be at least `limit`. */
export function ratioFloorRow(
  name: string,
  unit: string,
  value: number,
  reference: number,
  limit: number,
): Row {
  return row(name, value, unit, { binds: 'ratio', comparison: '≥', limit, unit: '' }, reference);
}

/** A row whose value may be at most `limit`; `reference` is shown beside it. */
export function limitRow(name: string, unit: string, value: number, limit: number, reference?: number): Row {
  return row(name, value, unit, { binds: 'value', comparison: '≤', limit, unit }, reference);
}

/** A row whose value, such as a rate, must be at least `limit`; `reference` is shown beside it. */
export function floorRow(name: string, unit: string, value: number, limit: number, reference?: number): Row {
  return row(name, value, unit, { binds: 'value', comparison: '≥', limit, unit }, reference);
}

function row(name: string, value: number, unit: string, target: Target, reference?: number): Row {
  const ratio = reference === undefined ? undefined : value / reference;
  const beside = reference === undefined || ratio === undefined ? {} : { reference, ratio };
  return { name, value, unit, ...beside, target, met: isMet(target, { value, ratio }) };
}

/** The name without its reference: `ADD, p50` of `ADD, p50 : the same alone`. */
export function shortName({ name }: Pick<Row, 'name'>): string {
  return name.split(' : ')[0] ?? name;
}

/** The median of the values. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The percentile: `percent` of the values are below it. */
export function percentile(values: readonly number[], percent: number): number {
  const at = Math.min(values.length - 1, Math.floor((values.length * percent) / 100));
  return values.toSorted((a, b) => a - b)[at] ?? Number.NaN;
}
