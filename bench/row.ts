// One line of the benchmarks' report.

/** A measurement beside its reference, taken in turn in the same run. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, in the same unit; undefined for an absolute target. */
  readonly reference?: number;
  /** value / reference. */
  readonly ratio?: number;
  /** What the ratio may be at most, or the value where there is no reference. */
  readonly target: number;
  readonly met: boolean;
}

/** A row for a ratio that may be at most `target`. */
export function ratioRow(name: string, unit: string, value: number, reference: number, target: number): Row {
  const ratio = value / reference;
  return { name, value, unit, reference, ratio, target, met: ratio <= target };
}

/** A row for a value that may be at most `target`; `reference` is shown beside it. */
export function limitRow(name: string, unit: string, value: number, target: number, reference?: number): Row {
  return { name, value, unit, ...besides(value, reference), target, met: value <= target };
}

/** A row for a value, such as a rate, that must be at least `target`; `reference` is shown beside it. */
export function floorRow(name: string, unit: string, value: number, target: number, reference?: number): Row {
  return { name, value, unit, ...besides(value, reference), target, met: value >= target };
}

function besides(value: number, reference: number | undefined): Pick<Row, 'reference' | 'ratio'> {
  return reference === undefined ? {} : { reference, ratio: value / reference };
}

/** The middle one of the values. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` of the others are below. */
export function percentile(values: readonly number[], percent: number): number {
  const at = Math.min(values.length - 1, Math.floor((values.length * percent) / 100));
  return values.toSorted((a, b) => a - b)[at] ?? Number.NaN;
}
