// Prints rows of texts in columns that fit the line. A text that is too long continues below itself.

import { wrapped } from '#base';

const GAP = 2;

/** How to print a text that is padded to the width of its column. */
type Show = (text: string, padded: string) => string;

/** The lines of a table. The first row of `rows` has the titles. No line is longer than `width` characters. */
export function columns(rows: readonly (readonly string[])[], width: number, show: Show = plain): string[] {
  const widths = columnWidths(rows, width);
  return rows.flatMap((row) => {
    const cells = widths.map((columnWidth, i) => wrapped(row[i] ?? '', columnWidth));
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((parts, i) => show(parts[line] ?? '', (parts[line] ?? '').padEnd(widths[i] ?? 0)))
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  });
}

const plain: Show = (_text, padded) => padded;

/** Columns are as wide as their longest text; a title needs only its longest word. If that is too wide, the widest columns shrink. */
function columnWidths([titles = [], ...rows]: readonly (readonly string[])[], width: number): number[] {
  const widths = titles.map((title, i) =>
    Math.max(longestWord(title), ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const words = titles.map((_, i) => Math.max(...[titles, ...rows].map((row) => longestWord(row[i] ?? ''))));
  const room = width - GAP * (titles.length - 1);
  while (sum(widths) > room) {
    const spare = widths.map((each, i) => each - Math.max(words[i] ?? 0, 1));
    const most = Math.max(...spare) > 0 ? indexOfLargest(spare) : indexOfLargest(widths);
    if (widths[most] === 1) break;
    widths[most] = (widths[most] ?? 0) - 1;
  }
  return widths;
}

function longestWord(text: string): number {
  return Math.max(...text.split(' ').map(({ length }) => length));
}

function indexOfLargest(numbers: readonly number[]): number {
  return numbers.indexOf(Math.max(...numbers));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
