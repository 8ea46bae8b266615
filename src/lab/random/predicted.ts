// What the walk of `orbctl trace` predicts for each path, as cells that can be tried. The real packets must agree with it.
//
// The kernel may choose by a hash between routes with the same metric, such as two untuned IPv6 default routes. Then no walk can predict
// one packet. Such paths are tried only if users may rely on them.

import { formatAddress, parseAddress } from '#ip';
import { type Trace, trace, type World } from '#plan/trace';
import type { Cell, PlannedCell } from '../trial/index.ts';
import type { Path } from './paths.ts';

/** A path to try; `impossible` is set if the walk says that it does not work. */
export interface PredictedCell extends PlannedCell {
  readonly path: Path;
}

export function predicted(world: World, paths: readonly Path[]): PredictedCell[] {
  return paths.flatMap((path) => {
    const { from, place, to, family, protocol, address, port, bind } = path;
    const found = trace(world, {
      ...{ from: place, protocol, port, destination: parseAddress(address) },
      ...(bind !== undefined && { source: parseAddress(bind) }),
    });
    if (!path.promised && isByChance(found)) return [];
    return [
      {
        ...{ path, from, to, family, protocol, address, port, source: sourceOf(found) },
        ...(bind !== undefined && { bind }),
        ...(!found.works && { impossible: found.failure ?? 'the prediction gives no reason' }),
      },
    ];
  });
}

function isByChance({ request, reply, next }: Trace): boolean {
  const hops = [request, reply, next].flatMap((path) => path?.hops ?? []);
  return hops.some(({ steps }) => steps.some(({ kind }) => kind === 'chance'));
}

function sourceOf({ seenSource }: Trace): string {
  return seenSource === undefined ? '' : formatAddress(seenSource);
}

/** The result of a cell, with its pod. */
export interface RandomVerdict extends Cell {
  readonly pod: string;
}

/** A cell is right if it agrees with the walk and with what users may rely on. */
export function verdictOf(planned: PredictedCell, cell: Cell): RandomVerdict {
  const { pod, promised, promisedSource } = planned.path;
  const verdict = { ...cell, pod };
  if (!cell.ok) return { ...verdict, reason: `differs from the prediction: ${surprise(planned, cell)}` };
  if (!promised) return verdict;
  if (planned.impossible !== undefined) {
    return { ...verdict, expected: 'works', ok: false, reason: `it must work: ${planned.impossible}` };
  }
  if (promisedSource !== undefined && planned.source !== promisedSource) {
    const reason = `the server sees ${planned.source}, but must see ${promisedSource}`;
    return { ...verdict, ok: false, reason };
  }
  return verdict;
}

function surprise({ impossible }: PredictedCell, { reason }: Cell): string {
  return impossible === undefined ? `${reason}, but it should work` : reason;
}
