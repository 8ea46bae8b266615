// Which rows depend on which kernel objects: each kind is removed in turn, and the matrix is tried without it.

import { join } from 'node:path';
import type { LabNode } from '../addressing.ts';
import { run } from '../command.ts';
import { LAB_FOLDER } from '../mounts.ts';
import {
  type Ask,
  askInCrowd,
  askInHaste,
  type Cell,
  secondTries,
  type Trial,
  type TrialParts,
  tryCells,
  tryWithRetries,
} from '../trial/index.ts';
import { type Breakage, breakages } from './breakages.ts';
import { type MatrixCast, matrixCast } from './cast.ts';
import { matrixObjects } from './objects.ts';
import { cellsOf, type MatrixCell, type MatrixVerdict } from './paths.ts';
import type { PodKindName } from './pod-kinds.ts';
import { rows } from './rows.ts';
import { makeSetting, rowsUnder, settings, verdictsOf } from './settings.ts';

/** How many cells of a row failed. */
interface RowLoss {
  readonly row: number;
  readonly failed: number;
  readonly tried: number;
  /** The families that failed: `4`, `6` or both. */
  readonly families: readonly number[];
}

/** One kind of object, and the rows that failed without it. */
export interface Loss {
  readonly without: string;
  readonly rows: readonly RowLoss[];
}

/** These kinds are enough to tell whether a row works. */
const kinds: readonly PodKindName[] = ['c', 'm', 'm-beside', 'm-lan2', 'mm-net1', 'x', 'x-net1'];

type TryCells = (planned: readonly MatrixCell[], ask: Ask) => Promise<Cell[]>;

/** Tries the cells when nothing is removed: all must work, so a failure is tried again. */
const tryUnbroken: TryCells = (planned, ask) => tryWithRetries(planned, ask, askInCrowd);

/** Tries fewer kinds of pods and settings, and only TCP. The paths lead from and to pods of the first node. */
async function tryShort(all: MatrixCast, tryAll: TryCells = tryCells): Promise<MatrixVerdict[]> {
  const cast = { ...all, pods: all.pods.filter(({ kind }) => kinds.some((name) => name === kind.name)) };
  const verdicts: MatrixVerdict[] = [];
  for (const setting of settings.filter(({ encapsulation }) => encapsulation === 'none')) {
    await makeSetting(setting, cast);
    const planned = rowsUnder(setting)
      .flatMap((row) => cellsOf({ ...row, axes: [] }, cast, setting))
      .filter(({ protocol, impossible }) => protocol === 'tcp' && impossible === undefined);
    verdicts.push(...verdictsOf(planned, await tryAll(planned, askInHaste)));
  }
  return verdicts;
}

function lossOf(without: string, verdicts: readonly MatrixVerdict[]): Loss {
  const numbers = [...new Set(rows.map(({ number }) => number))];
  const ofRows = numbers.map((row) => {
    const tried = verdicts.filter((verdict) => verdict.rows[0] === row);
    const failed = tried.filter(({ ok }) => !ok);
    const families = [...new Set(failed.map(({ family }) => family))];
    return { row, failed: failed.length, tried: tried.length, families };
  });
  return { without, rows: ofRows.filter(({ failed }) => failed > 0) };
}

/** Runs a script of a breakage in every namespace that it concerns. */
async function inAll({ where }: Breakage, script: string, parts: TrialParts): Promise<void> {
  const places =
    where === 'pods'
      ? parts.records.map(({ netns, containerId }) => ({ name: containerId, netns }))
      : parts.nodes.map(({ name }) => ({ name, netns: `/run/netns/${name}` }));
  await Promise.all(
    places.map(({ name, netns }) => {
      const saved = join(LAB_FOLDER, `saved-${name}`);
      return run({
        argv: ['nsenter', `--net=${netns}`, '--', 'sh', '-e'],
        input: `saved=${saved}\n${script}\n`,
      });
    }),
  );
}

function textOf(losses: readonly Loss[]): string {
  const row = ({ row, failed, tried, families }: RowLoss) =>
    `  row ${row}: ${failed} of ${tried} cells, IPv${families.join(' and IPv')}`;
  return losses.flatMap(({ without, rows: lost }) => [`without ${without}:`, ...lost.map(row)]).join('\n');
}

/** Rows that still work without objects that they should need. A matrix that cannot fail proves nothing. */
function unaffected({ name, neededBy }: Breakage, { rows: lost }: Loss): string[] {
  return neededBy
    .filter((number) => !lost.some(({ row }) => row === number))
    .map((number) => `row ${number} works without ${name}, although the list says that it needs them`);
}

export function brokenTrial(nodes: readonly LabNode[]): Trial {
  return {
    manifest: 'matrix.yaml',
    objects: matrixObjects(nodes.map(({ name }) => name)),
    async run(parts) {
      const cast = matrixCast(parts);
      // Agents would restore the objects that are removed.
      await parts.stopAgents();
      const before = await tryShort(cast, tryUnbroken);
      const losses: Loss[] = [];
      const faults: string[] = [];
      for (const breakage of breakages(nodes)) {
        parts.detail(`without ${breakage.name}`);
        await inAll(breakage, breakage.break, parts);
        const loss = lossOf(breakage.name, await tryShort(cast));
        await inAll(breakage, breakage.repair, parts);
        losses.push(loss);
        faults.push(...unaffected(breakage, loss));
      }
      // All must work again now; otherwise an earlier breakage could have caused a later loss.
      const after = await tryShort(cast, tryUnbroken);
      const all = [...before, ...after];
      return {
        places: cast.pods.map(({ place }) => place),
        cells: all,
        text: [textOf(losses), ...faults.map((fault) => `FAIL ${fault}`), secondTries(all)].join('\n'),
        faults,
        facts: { losses },
      };
    },
  };
}
