// The random matrix as text: one line with the counts, and the failures, sorted by pod.

import type { TableView } from '../trial/index.ts';
import type { RandomVerdict } from './predicted.ts';
import { type PodShape, shapeText } from './shape.ts';

/** The most failed paths to show, unless the user wants all. In a longer list, nobody sees what they have in common. */
const MOST_LINES = 40;

export function randomText(
  seed: number,
  shapes: readonly PodShape[],
  verdicts: readonly RandomVerdict[],
  { full }: Pick<TableView, 'full'>,
): string {
  const failed = verdicts.filter(({ ok }) => !ok);
  const impossible = verdicts.filter(({ ok, expected }) => ok && expected === 'impossible').length;
  const lines = failedLines(failed);
  const shown = full ? lines : lines.slice(0, MOST_LINES);
  const pods = shapes.filter(({ name }) => shown.some(({ pod }) => pod === name));
  return [
    ...pods.flatMap((shape) => [
      shapeText(shape),
      ...shown.filter(({ pod }) => pod === shape.name).map(({ text }) => `  FAIL ${text}`),
    ]),
    ...(lines.length > shown.length
      ? [`… and ${lines.length - shown.length} more paths that failed: --full shows them`]
      : []),
    `seed ${seed}: ${shapes.length} pods; ${verdicts.length - impossible - failed.length} cells work, ${impossible} do not work and need not, ${failed.length} failed`,
    `again: npm run lab -- --once --matrix random --seed ${seed}`,
    '',
  ].join('\n');
}

/** One line for each path and reason. */
function failedLines(failed: readonly RandomVerdict[]): { readonly pod: string; readonly text: string }[] {
  const groups = Map.groupBy(failed, ({ pod, from, to, family, reason }) =>
    [pod, from, to, family, reason].join('\0'),
  );
  return [...groups.values()].flatMap((cells) => {
    const protocols = cells.map(({ protocol }) => protocol).join(' ');
    return cells.slice(0, 1).map(({ pod, from, to, family, reason }) => ({
      pod,
      text: `${from} → ${to} IPv${family} ${protocols}:\n       ${reason}`,
    }));
  });
}
