// Tries the random matrix in a running lab: pods of random shape; every path is predicted before it is tried.

import { OrbError } from '#base';
import type { LabNode } from '../addressing.ts';
import { askInCrowd, askInHaste, secondTries, type Trial, tryWithRetries } from '../trial/index.ts';
import { randomCast } from './cast.ts';
import { randomObjects } from './objects.ts';
import { randomPaths } from './paths.ts';
import { predicted, verdictOf } from './predicted.ts';
import { nicServices, serviceOf, slicesOf } from './services.ts';
import { podShapes } from './shape.ts';
import { randomText } from './text.ts';

export function randomTrial(nodes: readonly LabNode[], seed: number): Trial {
  const [first, ...others] = nodes.map(({ name }) => name);
  if (first === undefined) throw new OrbError('INTERNAL', { message: 'a lab without nodes' });
  const shapes = podShapes(seed, [first, ...others]);
  return {
    objects: randomObjects(shapes, nodes),
    strictRouter: true,
    async run(parts) {
      const cast = randomCast({ ...parts, shapes });
      const services = nicServices(cast);
      const all = [...services.values()].flat();
      await parts.serve(all.map(serviceOf), all.flatMap(slicesOf));
      const planned = predicted(await parts.see(), randomPaths(cast, services));
      parts.detail(`${planned.length} cells`);
      const cells = await tryWithRetries(planned, askInHaste, askInCrowd);
      const verdicts = planned.flatMap((each, i) => {
        const cell = cells[i];
        return cell === undefined ? [] : [verdictOf(each, cell)];
      });
      return {
        places: [],
        cells: verdicts,
        text: `${randomText(seed, shapes, verdicts, parts.view)}${secondTries(verdicts)}`,
        facts: { seed, shapes },
      };
    },
  };
}
