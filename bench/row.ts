// One line of the benchmarks' report.

/** A measurement and its reference, measured in turn in the same run. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value of the reference, in the same unit; undefined for an absolute target. */
  readonly reference?: number;
  /** value / reference. */
  readonly ratio?: number;
  /** The maximum of the ratio, or of the value when there is no reference. */
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

/** The median of the values. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The percentile: `percent` of the values are below it. */
export function percentile(values: readonly number[], percent: number): number {
  const at = Math.min(values.length - 1, Math.floor((values.length * percent) / 100));
  return values.toSorted((a, b) => a - b)[at] ?? Number.NaN;
}
