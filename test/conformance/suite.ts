// Runs the cases one after the other on one node and says how each ended.

import type { Outcome } from './case.ts';
import { inputCases } from './cases-input.ts';
import { lifecycleCases } from './cases-lifecycle.ts';
import { loadCases } from './cases-load.ts';
import { Failure, Node } from './node.ts';
import type { Profile } from './profile.ts';

/** In the order they run: by number, but the one that judges all output last. */
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
    // Anything else is a defect of the runner or of its surroundings, and is shown as such.
    const reason = error instanceof Failure ? error.message : `the runner could not go on: ${String(error)}`;
    return { number, title, verdict: 'FAIL', reason };
  }
}

/** Runs all cases, or those with the numbers given, and prints a line for each. */
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
