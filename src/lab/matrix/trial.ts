// The matrix tried in a running lab: setting by setting, all places at once.

import type { LabNode } from '../addressing.ts';
import { askByProbe, askInCrowd } from '../prober.ts';
import { type Cell, tryCells } from '../table.ts';
import type { Trial } from '../trial.ts';
import { matrixCast } from './cast.ts';
import { matrixObjects } from './objects.ts';
import { makeSetting, rowsUnder, settings, settingText, verdictsOf } from './settings.ts';
import { matrixText } from './text.ts';
import { cellsOf, type MatrixCell, type MatrixVerdict } from './ways.ts';

/**
 * Hundreds that ask at once on a small machine may starve one: what failed is tried again when the crowd is gone, and says so. A way
 * that does not work fails both times.
 */
async function tryTwice(planned: readonly MatrixCell[]): Promise<(Cell & { readonly secondTry?: true })[]> {
  const cells = await tryCells(planned, askInCrowd);
  const failed = planned.filter((_, i) => cells[i]?.ok === false);
  const again = new Map((await tryCells(failed, askByProbe)).map((cell, i) => [failed[i], cell]));
  return cells.map((cell, i) => {
    const second = again.get(planned[i]);
    return second === undefined ? cell : { ...second, secondTry: true };
  });
}

export function matrixTrial(nodes: readonly LabNode[]): Trial {
  return {
    manifest: 'matrix.yaml',
    objects: matrixObjects(nodes.map(({ name }) => name)),
    async run(parts) {
      const cast = matrixCast(parts);
      const verdicts: MatrixVerdict[] = [];
      for (const setting of settings) {
        await makeSetting(setting, cast);
        const planned = rowsUnder(setting).flatMap((row) => cellsOf(row, cast, setting));
        parts.detail(`${settingText(setting)}: ${planned.length} cells`);
        verdicts.push(...verdictsOf(planned, await tryTwice(planned)));
      }
      const machines = [...nodes.map(cast.machine), cast.client];
      const places = [...cast.pods.map(({ place }) => place), ...machines];
      return { places, cells: verdicts, text: `${matrixText(verdicts)}${secondTries(verdicts)}` };
    },
  };
}

function secondTries(verdicts: readonly MatrixVerdict[]): string {
  const again = verdicts.filter(({ secondTry }) => secondTry === true).length;
  return again === 0 ? '' : `${again} of them at the second try\n`;
}
