// A target of a benchmark: the number that it binds, and the limit of that number.

/** What a target binds, and its limit. */
export interface Target {
  /** `value`: the measurement itself. `ratio`: the measurement divided by its reference. */
  readonly binds: 'value' | 'ratio';
  /** `≤`: the limit is a maximum. `≥`: it is a minimum, for rates. */
  readonly comparison: '≤' | '≥';
  readonly limit: number;
  /** The unit of the limit; empty for a ratio. */
  readonly unit: string;
}

/** The two numbers of a row. The ratio is undefined without a reference. */
export interface Measured {
  readonly value: number;
  readonly ratio: number | undefined;
}

/** Whether the number that the target binds is within its limit. A number that was not measured is not. */
export function isMet(target: Target, measured: Measured): boolean {
  const bound = measured[target.binds] ?? Number.NaN;
  return target.comparison === '≤' ? bound <= target.limit : bound >= target.limit;
}

/** The number with its target and the result, e.g. `ratio 1.13 (target ≤ 1.1): no`. */
export function targetText(target: Target, measured: Measured): string {
  const { binds, comparison, limit } = target;
  const text = `${binds} ${withUnit(measured[binds], target.unit)} (target ${comparison} ${formatNumber(limit)})`;
  return `${text}: ${isMet(target, measured) ? 'yes' : 'no'}`;
}

/** A sentence that says by how much the target is missed; undefined when it is met. */
export function missText(name: string, target: Target, measured: Measured): string | undefined {
  if (isMet(target, measured)) return undefined;
  if (Number.isNaN(measured[target.binds] ?? Number.NaN))
    return `${name}: the ${target.binds} was not measured.`;
  const side = target.comparison === '≤' ? 'above' : 'below';
  const bound = withUnit(measured[target.binds], target.unit);
  return `${name}: the ${target.binds} ${bound} is ${side} the target ${withUnit(target.limit, target.unit)}.`;
}

/** A number with its unit, e.g. `4.92 ms`. */
export function withUnit(number: number | undefined, unit: string): string {
  return `${formatNumber(number)} ${unit}`.trim();
}

/** Three significant digits, or all digits before the point. Nothing for a number that was not measured. */
export function formatNumber(number: number | undefined): string {
  if (number === undefined) return '';
  return number >= 100 ? number.toFixed(0) : number.toPrecision(3).replace(/\.?0+(?=$|e)/, '');
}
