// Chooses the trial that the user asked for.

import { randomInt } from 'node:crypto';
import type { LabNode } from './addressing.ts';
import { brokenTrial, matrixTrial } from './matrix/index.ts';
import { randomTrial } from './random/index.ts';
import type { LabOptions } from './sandbox.ts';
import { pairsTrial, type Trial } from './trial/index.ts';

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
