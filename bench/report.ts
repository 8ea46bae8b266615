// The rows of the benchmarks as tables: for the terminal, and for docs/performance.md.

import { type Row, shortName } from './row.ts';
import { formatNumber, missText, targetText, withUnit } from './target.ts';

const heads = ['what : reference', 'value', 'reference', 'ratio', 'target'];

/** The table of all rows, and a sentence for each target that is not met. */
export function textReport(rows: readonly Row[]): string {
  const misses = rows.map((row) => missText(shortName(row), row.target, measured(row)));
  return [textTable([heads, ...rows.map(cells)]), ...misses.filter((miss) => miss !== undefined)].join('\n');
}

/** The table of docs/performance.md. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows.map(cells)];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** Lines of cells, each column as wide as its widest cell. */
export function textTable(lines: readonly (readonly string[])[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells(row: Row): string[] {
  const { name, value, unit, reference, ratio, target } = row;
  return [
    name,
    withUnit(value, unit),
    reference === undefined ? '' : withUnit(reference, unit),
    formatNumber(ratio),
    targetText(target, measured(row)),
  ];
}

function measured({ value, ratio }: Row) {
  return { value, ratio };
}
