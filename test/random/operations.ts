// The random operations on a cluster, as data: a run can be repeated and made smaller.

import fc from 'fast-check';

export const verbs = [
  'create',
  'create',
  'create',
  'retry',
  'retry',
  'impatient',
  'delete',
  'delete',
  'force-delete',
  'vanish',
  'restart',
  'restart',
  'recreate',
  'recreate',
  'late-delete',
  'late-delete',
  'scale',
  'scale-web',
  'scale-web',
  'move-web',
  'delete-web',
  'start-machine',
  'start-machine',
  'stop-machine',
  'migrate',
  'migrate',
  'end-migration',
  'kill-agent',
  'kill-controller',
  'refuse-writes',
  'lose-answers',
  'break-watches',
  'outage',
  'leave-leader',
  'leave-leader',
  'break-links',
  'break-links',
  'clock-jump',
  'edit-pool',
  'check',
] as const;

export interface Operation {
  readonly verb: (typeof verbs)[number];
  /** Which pod, node or pool it concerns; each operation takes it modulo what there is. */
  readonly which: number;
  /** Turns of the event loop before the next operation. */
  readonly turns: number;
}

const anyOperation: fc.Arbitrary<Operation> = fc.record({
  verb: fc.constantFrom(...verbs),
  which: fc.nat({ max: 999 }),
  turns: fc.nat({ max: 12 }),
});

export function randomOperations(seed: number, count: number): Operation[] {
  return fc.sample(anyOperation, { seed, numRuns: count });
}

/** The shortest list that was found in which `fails` is still true. Tries at most `tries` lists. */
export async function shrink(
  operations: readonly Operation[],
  fails: (operations: readonly Operation[]) => Promise<boolean>,
  tries = 400,
): Promise<readonly Operation[]> {
  let smallest = operations;
  let left = tries;
  for (let size = Math.ceil(smallest.length / 2); size >= 1 && left > 0; ) {
    let isSmaller = false;
    for (let at = 0; at < smallest.length && left > 0; left--) {
      const without = smallest.toSpliced(at, size);
      if (without.length < smallest.length && (await fails(without))) {
        smallest = without;
        isSmaller = true;
      } else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!isSmaller) break;
  }
  return smallest;
}
