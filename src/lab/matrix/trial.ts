// The matrix tried in a running lab: setting by setting, all places at once.

import type { LabNode } from '../addressing.ts';
import { run } from '../command.ts';
import { natOutgoing, noNatOutgoing } from '../overlay.ts';
import { askInCrowd } from '../prober.ts';
import { type Cell, tryCells } from '../table.ts';
import { inNetnsOf } from '../topology.ts';
import type { Trial } from '../trial.ts';
import { matrixCast } from './cast.ts';
import { matrixObjects } from './objects.ts';
import { rows } from './rows.ts';
import type { Setting } from './sources.ts';
import { matrixText } from './text.ts';
import { cellsOf, type MatrixVerdict } from './ways.ts';

const settings: readonly Setting[] = [{ natOutgoing: true }, { natOutgoing: false }];

/** Rows to which a setting cannot matter are tried under the first one alone. */
function rowsUnder(setting: Setting) {
  return setting === settings[0] ? rows : rows.filter(({ axes }) => axes.includes('natOutgoing'));
}

async function make(setting: Setting, nodes: readonly LabNode[]): Promise<void> {
  const input = setting.natOutgoing ? natOutgoing : noNatOutgoing;
  await Promise.all(nodes.map(({ name }) => run({ argv: inNetnsOf(name, 'nft', '-f', '-'), input })));
}

export function matrixTrial(nodes: readonly LabNode[]): Trial {
  return {
    manifest: 'matrix.yaml',
    objects: matrixObjects(nodes.map(({ name }) => name)),
    async run(parts) {
      const cast = matrixCast(parts);
      const verdicts: MatrixVerdict[] = [];
      for (const setting of settings) {
        await make(setting, nodes);
        const planned = rowsUnder(setting).flatMap((row) => cellsOf(row, cast, setting));
        parts.detail(`natOutgoing ${setting.natOutgoing ? 'on' : 'off'}: ${planned.length} cells`);
        const cells = await tryCells(planned, askInCrowd);
        verdicts.push(
          ...planned.map(({ rows, where, seenAs }, i) => ({
            ...(cells[i] as Cell),
            rows,
            where,
            setting,
            seenAs,
          })),
        );
      }
      const machines = [...nodes.map(cast.machine), cast.client];
      const places = [...cast.pods.map(({ place }) => place), ...machines];
      return { places, cells: verdicts, text: matrixText(verdicts) };
    },
  };
}
