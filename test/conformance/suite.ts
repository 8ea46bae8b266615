// Runs the cases one after the other on one node, and prints the outcome of each.

import type { Outcome } from './case.ts';
import { inputCases } from './cases-input.ts';
import { lifecycleCases } from './cases-lifecycle.ts';
import { loadCases } from './cases-load.ts';
import { Failure, Node } from './node.ts';
import type { Profile } from './profile.ts';

/** The cases in order of their number. The case that judges all output is the last one. */
const cases = [...inputCases, ...lifecycleCases, ...loadCases].sort((a, b) =>
  a.number === 19 ? 1 : b.number === 19 ? -1 : a.number - b.number,
);

async function judge(node: Node, one: (typeof cases)[number]): Promise<Outcome> {
  const { number, title } = one;
  const given = node.profile.notApplicable[String(number)];
  if (given !== undefined) return { number, title, verdict: 'n/a', reason: given };
  try {
    const result = await one.run(node);
    return {
      number,
      title,
      verdict: result === undefined ? 'ok' : 'n/a',
      reason: result?.notApplicable ?? '',
    };
  } catch (error) {
    // Other errors are defects of the runner or its environment, and are reported as such.
    const reason = error instanceof Failure ? error.message : `the runner failed: ${String(error)}`;
    return { number, title, verdict: 'FAIL', reason };
  }
}

/** Runs all cases, or the cases with the given numbers, and prints a line for each. */
export async function runCases(
  name: string,
  profile: Profile,
  binDirs: readonly string[],
  folder: string,
  only: readonly number[],
): Promise<Outcome[]> {
  const node = new Node(profile, binDirs, folder);
  const outcomes: Outcome[] = [];
  console.log(`# ${name}`);
  await node.start();
  try {
    for (const one of cases) {
      if (only.length > 0 && !only.includes(one.number)) continue;
      const outcome = await judge(node, one);
      outcomes.push(outcome);
      const reason = outcome.reason === '' ? '' : ` — ${outcome.reason}`;
      console.log(
        `${outcome.verdict.padEnd(4)} ${String(outcome.number).padStart(2, '0')} ${outcome.title}${reason}`,
      );
    }
  } finally {
    node.stop();
  }
  return outcomes.sort((a, b) => a.number - b.number);
}
