// The connectivity table: tries every planned cell with real packets and reports the result.

import type { Family } from '#ip';
import type { PlannedCell } from './cells.ts';
import type { Ask, ProbeProtocol, Verdict } from './prober.ts';

/** The result of one cell, as `--json` writes it. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly family: Family;
  readonly protocol: ProbeProtocol;
  readonly expected: 'works' | 'impossible';
  /** Whether the result is the expected one. */
  readonly ok: boolean;
  /** The address that the server saw; empty for ICMP and for packets that did not arrive. */
  readonly source: string;
  /** Why the connection cannot work, or why it failed; empty for a cell that works. */
  readonly reason: string;
  /** Whether the cell failed at first and was tried again. */
  readonly secondTry?: true;
}

/** Compares a verdict with the plan. */
export function judge(cell: PlannedCell, verdict: Verdict): Cell {
  const facts = {
    from: cell.from.name,
    to: cell.to,
    family: cell.family,
    protocol: cell.protocol,
    source: verdict.source ?? '',
  };
  if (cell.impossible !== undefined) {
    const reason = verdict.works ? `it works, although it should not: ${cell.impossible}` : cell.impossible;
    return { ...facts, expected: 'impossible', ok: !verdict.works, reason };
  }
  if (!verdict.works)
    return { ...facts, expected: 'works', ok: false, reason: verdict.reason ?? 'no answer' };
  const allowed = [undefined, cell.source, ...(cell.hairpinSource === undefined ? [] : [cell.hairpinSource])];
  const asExpected = allowed.includes(verdict.source);
  const reason = asExpected ? '' : `the server saw ${verdict.source}, but should see ${cell.source}`;
  return { ...facts, expected: 'works', ok: asExpected, reason };
}

/** Tries all cells, with all places at the same time. The results have the order of the plan. */
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

/** A Service may have several endpoints, and a single try may miss the broken one. */
const RETRIES = 3;

/**
 * Tries all cells, and then the failed ones three times more with `patiently`, when the crowd has gone. Hundreds that
 * ask at once on a small machine may starve one. Every retry must work, so that a broken path still fails. Cells that
 * were tried again are marked.
 */
export async function tryWithRetries(
  planned: readonly PlannedCell[],
  ask: Ask,
  patiently: Ask,
): Promise<Cell[]> {
  const cells = await tryCells(planned, ask);
  let left = planned.filter((_, i) => cells[i]?.ok === false);
  const again = new Map<PlannedCell, Cell>();
  for (let i = 0; i < RETRIES; i++) {
    const tried = await tryCells(left, patiently);
    for (const [j, cell] of left.entries()) {
      const found = tried[j];
      if (found !== undefined) again.set(cell, { ...found, secondTry: true });
    }
    left = left.filter((_, j) => tried[j]?.ok === true);
  }
  return cells.map((cell, i) => again.get(planned[i] as PlannedCell) ?? cell);
}

/** A line that counts the cells that were tried again; empty if there are none. */
export function secondTries(cells: readonly Cell[]): string {
  const again = cells.filter(({ ok, secondTry }) => ok && secondTry === true).length;
  return again === 0 ? '' : `${again} of the cells at the second try\n`;
}
