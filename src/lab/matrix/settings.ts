// The settings under which the matrix is tried, and how the lab is brought to one.

import type { LabNode } from '../addressing.ts';
import { run } from '../command.ts';
import { natOutgoing, noNatOutgoing } from '../overlay.ts';
import type { Cell } from '../table.ts';
import { inNetnsOf } from '../topology.ts';
import { type Row, rows } from './rows.ts';
import type { Setting } from './sources.ts';
import type { MatrixCell, MatrixVerdict } from './ways.ts';

const first: Setting = { natOutgoing: true };

export const settings: readonly Setting[] = [first, { natOutgoing: false }];

/** Rows to which what differs cannot matter are tried under the first setting alone. */
export function rowsUnder(setting: Setting): Row[] {
  return rows.filter(({ axes }) => setting === first || axes.includes('natOutgoing'));
}

export async function makeSetting(setting: Setting, nodes: readonly LabNode[]): Promise<void> {
  const input = setting.natOutgoing ? natOutgoing : noNatOutgoing;
  await Promise.all(nodes.map(({ name }) => run({ argv: inNetnsOf(name, 'nft', '-f', '-'), input })));
}

/** What came of the planned cells, with what the plan knows of them. */
export function verdictsOf(planned: readonly MatrixCell[], cells: readonly Cell[]): MatrixVerdict[] {
  return cells.map((cell, i) => {
    const { rows: numbers, where, setting, seenAs } = planned[i] as MatrixCell;
    return { ...cell, rows: numbers, where, setting, seenAs };
  });
}
