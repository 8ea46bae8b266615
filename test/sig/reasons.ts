// Why tests fail on some networks.

interface Reason {
  readonly trials: readonly string[];
  /** The tests are those whose names match. */
  readonly tests: RegExp;
  /** A sentence or two. */
  readonly why: string;
}

export const reasons: readonly Reason[] = [];

/** Undefined where a failure is a fault that somebody must mend. */
export function reasonFor(trial: string, test: string): string | undefined {
  return reasons.find(({ trials, tests }) => trials.includes(trial) && tests.test(test))?.why;
}
