// Chooses the trial that the user asked for.

import { randomInt } from 'node:crypto';
import type { LabNode } from './addressing.ts';
import { brokenTrial } from './matrix/broken-trial.ts';
import { matrixTrial } from './matrix/trial.ts';
import { randomTrial } from './random/trial.ts';
import type { LabOptions } from './sandbox.ts';
import { pairsTrial, type Trial } from './trial.ts';

export function trialOf(
  { matrix, seed = randomInt(2 ** 31) }: Pick<LabOptions, 'matrix' | 'seed'>,
  nodes: readonly LabNode[],
): Trial {
  switch (matrix) {
    case 'full':
      return matrixTrial(nodes);
    case 'broken':
      return brokenTrial(nodes);
    case 'random':
      return randomTrial(nodes, seed);
    default:
      return pairsTrial;
  }
}
