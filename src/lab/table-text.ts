// The connectivity table for people: one line for each way, one column for each family and protocol.

import type { Cell } from './table.ts';

const columns = ([4, 6] as const).flatMap((family) =>
  (['icmp', 'tcp', 'udp'] as const).map((protocol) => ({ family, protocol })),
);

/** Numbers the reasons of the table in the order in which they appear. */
class Notes {
  readonly texts: string[] = [];

  numberOf(reason: string): number {
    const known = this.texts.indexOf(reason);
    return known >= 0 ? known + 1 : this.texts.push(reason);
  }
}

function mark(cell: Cell | undefined, notes: Notes): string {
  if (cell === undefined) return '';
  if (!cell.ok) return `FAIL${notes.numberOf(cell.reason)}`;
  return cell.expected === 'works' ? 'ok' : `-${notes.numberOf(cell.reason)}`;
}

/** The addresses that servers saw, each once. */
function sources(cells: readonly Cell[]): string {
  return [...new Set(cells.map(({ source }) => source).filter((source) => source !== ''))].join(', ');
}

/** The columns in front of the marks, and which cells share a line. */
export interface Lead {
  readonly titles: readonly string[];
  readonly keyOf: (cell: Cell) => string;
  /** The texts under the titles. */
  readonly textsOf: (line: readonly [Cell, ...Cell[]]) => readonly string[];
}

const pairs: Lead = {
  titles: ['from', 'to'],
  keyOf: ({ from, to }) => `${from}\0${to}`,
  textsOf: ([{ from, to }]) => [from, to],
};

/** The table as lines, its notes below it, and a closing line. */
export function tableText(cells: readonly Cell[], lead: Lead = pairs): string {
  const notes = new Notes();
  const header = [
    ...lead.titles,
    ...columns.map(({ family, protocol }) => `v${family} ${protocol}`),
    'the server saw',
  ];
  const rows = Array.from(Map.groupBy(cells, lead.keyOf).values(), (line) => [
    ...lead.textsOf(line as [Cell, ...Cell[]]),
    ...columns.map(({ family, protocol }) =>
      mark(worst(line.filter((cell) => cell.family === family && cell.protocol === protocol)), notes),
    ),
    sources(line),
  ]);
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const failed = cells.filter(({ ok }) => !ok).length;
  const impossible = cells.filter(({ ok, expected }) => ok && expected === 'impossible').length;
  return [
    line(header),
    ...rows.map(line),
    ...notes.texts.map((text, i) => `${i === 0 ? '\n' : ''}${i + 1}: ${text}`),
    '',
    `${cells.length - failed - impossible} work, ${impossible} cannot work (- and why above), ${failed} failed`,
    '',
  ].join('\n');
}

/** The cell that its line is judged by. */
function worst(cells: readonly Cell[]): Cell | undefined {
  return cells.find(({ ok }) => !ok) ?? cells[0];
}
