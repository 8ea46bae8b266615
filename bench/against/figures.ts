// Reads what the benchmarks of any revision write: their names, and their figures.

import { z } from 'zod';
import type { Figure, NewFigure } from './comparison.ts';

/** JSON has no NaN: a value that was not measured is null. */
const figure = z.object({ name: z.string(), unit: z.string(), value: z.number().nullable() });
const newFigure = figure.extend({ target: z.object({ comparison: z.enum(['≤', '≥']) }) });

/** The figures that a run of any revision wrote. Figures that were not measured are left out. Throws for another form. */
export function readFigures(json: string): Figure[] {
  return measured(z.array(figure).parse(JSON.parse(json)));
}

/** The same for a run of this revision, whose rows say which direction is worse. */
export function readNewFigures(json: string): NewFigure[] {
  return measured(z.array(newFigure).parse(JSON.parse(json)));
}

function measured<T extends { readonly value: number | null }>(all: readonly T[]): (T & { value: number })[] {
  return all.filter((each): each is T & { value: number } => each.value !== null);
}

/** The benchmarks that a revision has. Its usage lists them, on one line or several: `[add|store|all ...]`. Throws when it does not. */
export function benchmarkNames(usage: string): string[] {
  const names = /\[([a-z|\s-]+)\|all \.\.\.\]/.exec(usage)?.[1]?.split(/[|\s]+/);
  if (names === undefined) throw new Error(`the usage lists no benchmarks: ${usage}`);
  return names;
}
