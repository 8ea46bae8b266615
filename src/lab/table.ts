// The connectivity table: tries every planned cell with real packets and says what came of it.

import type { Family } from '#ip';
import type { PlannedCell } from './cells.ts';
import type { Ask, ProbeProtocol, Verdict } from './prober.ts';

/** One cell as `--json` writes it. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly family: Family;
  readonly protocol: ProbeProtocol;
  readonly expected: 'works' | 'impossible';
  /** Whether what happened is what was expected. */
  readonly ok: boolean;
  /** The address that the server saw; empty for ICMP and for what did not arrive. */
  readonly source: string;
  /** Why it cannot work, or why it did not; empty for a cell that works. */
  readonly reason: string;
  /** It failed at first and was tried again. */
  readonly secondTry?: true;
}

/** Holds a verdict against the plan. */
export function judge(cell: PlannedCell, verdict: Verdict): Cell {
  const facts = {
    from: cell.from.name,
    to: cell.to,
    family: cell.family,
    protocol: cell.protocol,
    source: verdict.source ?? '',
  };
  if (cell.impossible !== undefined) {
    const reason = verdict.works ? `it works, though it should not: ${cell.impossible}` : cell.impossible;
    return { ...facts, expected: 'impossible', ok: !verdict.works, reason };
  }
  if (!verdict.works)
    return { ...facts, expected: 'works', ok: false, reason: verdict.reason ?? 'no answer' };
  const allowed = [undefined, cell.source, ...(cell.hairpinSource === undefined ? [] : [cell.hairpinSource])];
  const asExpected = allowed.includes(verdict.source);
  const reason = asExpected ? '' : `the server saw ${verdict.source}, it should see ${cell.source}`;
  return { ...facts, expected: 'works', ok: asExpected, reason };
}

/** Tries all cells, every place at the same time; the result is in the order of the plan. */
export async function tryCells(planned: readonly PlannedCell[], ask: Ask): Promise<Cell[]> {
  const byPlace = Map.groupBy(
    planned.filter(({ senseless }) => senseless !== true),
    ({ from }) => from.probe.join(' '),
  );
  const verdicts = new Map<PlannedCell, Verdict>();
  await Promise.all(
    Array.from(byPlace.values(), async (cells) => {
      const [first] = cells;
      const answers = first === undefined ? [] : await ask(first.from.probe, cells);
      cells.forEach((cell, i) => {
        const answer = answers[i];
        if (answer !== undefined) verdicts.set(cell, answer);
      });
    }),
  );
  return planned.map((cell) => judge(cell, verdicts.get(cell) ?? { works: false, reason: 'not tried' }));
}

/** Of several endpoints a broken one is met by chance. */
const triesAgain = 3;

/**
 * The same; hundreds that ask at once on a small machine may starve one: what failed is tried again `patiently` when the crowd is gone, and
 * says so. It must work each time then: a way that does not work fails again.
 */
export async function tryTwice(planned: readonly PlannedCell[], ask: Ask, patiently: Ask): Promise<Cell[]> {
  const cells = await tryCells(planned, ask);
  let left = planned.filter((_, i) => cells[i]?.ok === false);
  const again = new Map<PlannedCell, Cell>();
  for (let i = 0; i < triesAgain; i++) {
    const tried = await tryCells(left, patiently);
    for (const [j, cell] of left.entries()) {
      const found = tried[j];
      if (found !== undefined) again.set(cell, { ...found, secondTry: true });
    }
    left = left.filter((_, j) => tried[j]?.ok === true);
  }
  return cells.map((cell, i) => again.get(planned[i] as PlannedCell) ?? cell);
}

/** A line for people on what was tried again; empty where nothing was. */
export function secondTries(cells: readonly Cell[]): string {
  const again = cells.filter(({ ok, secondTry }) => ok && secondTry === true).length;
  return again === 0 ? '' : `${again} of the cells at the second try\n`;
}
