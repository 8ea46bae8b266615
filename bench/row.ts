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

/** A row for a value that may be at most `target`. */
export function limitRow(name: string, unit: string, value: number, target: number): Row {
  return { name, value, unit, target, met: value <= target };
}
