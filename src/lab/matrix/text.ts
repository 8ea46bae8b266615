// The matrix as text: one line for each path, in the order of the rows.

import { type Cell, type TableView, tableText } from '../trial/index.ts';
import type { MatrixVerdict } from './paths.ts';

export function matrixText(verdicts: readonly MatrixVerdict[], view: TableView): string {
  const of = (cell: Cell) => cell as MatrixVerdict;
  const sorted = verdicts.toSorted((a, b) => (a.rows[0] ?? 0) - (b.rows[0] ?? 0));
  return tableText(sorted, view, {
    titles: ['row', 'from', 'to', 'natOutgoing', 'overlay'],
    keyOf: (cell) => `${of(cell).rows.join()}\0${cell.from}\0${cell.to}`,
    textsOf: (line) => [
      of(line[0]).rows.join(', '),
      line[0].from,
      line[0].to,
      distinct(line.map((cell) => (of(cell).setting.natOutgoing ? 'on' : 'off'))),
      distinct(line.map((cell) => (of(cell).setting.encapsulation === 'vxlan' ? 'VXLAN' : 'routed'))),
    ],
  });
}

function distinct(texts: readonly string[]): string {
  return [...new Set(texts)].join(', ');
}
