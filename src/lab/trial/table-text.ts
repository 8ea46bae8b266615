// The connectivity table as text: one line for each path, one column for each family and protocol.

import type { Paint } from '#program';
import { columns } from './columns.ts';
import type { Cell } from './table.ts';

const marks = ([4, 6] as const).flatMap((family) =>
  (['icmp', 'tcp', 'udp'] as const).map((protocol) => ({ family, protocol })),
);

/** Numbers the reasons of the table in the order of their first use. */
class Notes {
  readonly texts: string[] = [];

  numberOf(reason: string): number {
    const known = this.texts.indexOf(reason);
    return known >= 0 ? known + 1 : this.texts.push(reason);
  }
}

/** `FAIL²` and `–¹` with the numbers of their notes. Superscripts are used because `-1` looks like minus one. */
function mark(cell: Cell | undefined, notes: Notes): string {
  if (cell === undefined) return '';
  if (cell.ok && cell.expected === 'works') return 'ok';
  return `${cell.ok ? '–' : 'FAIL'}${raised(notes.numberOf(cell.reason))}`;
}

function raised(number: number): string {
  return String(number).replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '');
}

/** The addresses that servers saw, without repeats. */
function sources(cells: readonly Cell[]): string {
  return [...new Set(cells.map(({ source }) => source).filter((source) => source !== ''))].join(', ');
}

/** The columns before the marks, and which cells share a line. */
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

/** How a table is shown. */
export interface TableView {
  /** Whether to show every line, not only those with a failed cell. */
  readonly full: boolean;
  readonly paint: Paint;
}

/** The most characters in a line of the table. */
const LINE_WIDTH = 120;

/** The failed cells, or all, as a table with its notes below; the last line has the counts. */
export function tableText(cells: readonly Cell[], { full, paint }: TableView, lead: Lead = pairs): string {
  const lines = [...Map.groupBy(cells, lead.keyOf).values()].filter(
    (line) => full || line.some(({ ok }) => !ok),
  );
  return [
    ...(lines.length === 0 ? [] : tableLines(lines, paint, lead)),
    countText(cells, full, paint),
    '',
  ].join('\n');
}

function tableLines(lines: readonly (readonly Cell[])[], paint: Paint, lead: Lead): string[] {
  const notes = new Notes();
  const titles = [
    ...lead.titles,
    ...marks.map(({ family, protocol }) => `v${family} ${protocol}`),
    'the server saw',
  ];
  const rows = lines.map((line) => [
    ...lead.textsOf(line as unknown as [Cell, ...Cell[]]),
    ...marks.map(({ family, protocol }) =>
      mark(worst(line.filter((cell) => cell.family === family && cell.protocol === protocol)), notes),
    ),
    sources(line),
  ]);
  const show = (text: string, padded: string) =>
    text.startsWith('FAIL') ? paint('bad', padded) : text.startsWith('–') ? paint('faint', padded) : padded;
  return [
    ...columns([titles, ...rows], LINE_WIDTH, show),
    // The empty titles give an empty line before the notes.
    ...columns([['', ''], ...notes.texts.map((text, i) => [raised(i + 1), text])], LINE_WIDTH),
    '',
  ];
}

function countText(cells: readonly Cell[], full: boolean, paint: Paint): string {
  const failed = cells.filter(({ ok }) => !ok).length;
  const impossible = cells.filter(({ ok, expected }) => ok && expected === 'impossible').length;
  const why = full ? '– and why above' : '--full shows which, and why';
  const failures = paint(failed === 0 && cells.length > 0 ? 'good' : 'bad', `${failed} failed`);
  return `${cells.length - failed - impossible} work, ${impossible} cannot work (${why}), ${failures}`;
}

/** The cell that determines the mark of its line. */
function worst(cells: readonly Cell[]): Cell | undefined {
  return cells.find(({ ok }) => !ok) ?? cells[0];
}
