// Tries the matrix in a running lab: one setting after the other, all places at once.

import type { LabNode } from '../addressing.ts';
import { askInCrowd, secondTries, type Trial, tryWithRetries } from '../trial/index.ts';
import { matrixCast } from './cast.ts';
import { matrixObjects } from './objects.ts';
import { cellsOf, type MatrixVerdict } from './paths.ts';
import { makeSetting, rowsUnder, settings, settingText, verdictsOf } from './settings.ts';
import { matrixText } from './text.ts';

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
        verdicts.push(...verdictsOf(planned, await tryWithRetries(planned, askInCrowd, askInCrowd)));
      }
      const machines = [...nodes.map(cast.machine), cast.client];
      const places = [...cast.pods.map(({ place }) => place), ...machines];
      return { places, cells: verdicts, text: `${matrixText(verdicts, parts.view)}${secondTries(verdicts)}` };
    },
  };
}
