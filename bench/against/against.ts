// npm run bench -- --against REV: measures another revision and the working tree in turn, and compares them.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { didYouMean, OrbError } from '#base';
import { untilSignal } from '#program';
import { type Comparison, compare, type Pair } from './comparison.ts';
import { runEnclosed } from './enclosure.ts';
import { benchmarkNames, readFigures, readNewFigures } from './figures.ts';
import { comparisonReport } from './report.ts';
import { findRevision, project, Workplace, workingTreeTitle } from './revision.ts';

/** A comparison that the user asks for. */
export interface Request {
  /** The other revision, in the words of git. */
  readonly against: string;
  /** The benchmarks; none for all that either revision has. */
  readonly names: readonly string[];
  readonly pairs: number;
  readonly quick: boolean;
  /** The file for the figures. */
  readonly json: string | undefined;
}

type Side = keyof Pair;

/** Exit code 1 means that a benchmark is worse than in the other revision. A signal ends the comparison in order, with 130. */
export async function compareRevisions(request: Request): Promise<number> {
  const stop = new AbortController();
  void untilSignal('SIGINT', 'SIGTERM', 'SIGHUP').then((signal) => stop.abort(signal));
  const revision = findRevision(request.against);
  console.error(`old: ${revision.title}\nnew: ${workingTreeTitle()}`);
  try {
    using place = Workplace.make(revision);
    const comparison = await new Measurement(request, place, stop.signal).run();
    console.log(comparisonReport(comparison, request.against));
    if (request.json !== undefined) writeFileSync(request.json, `${JSON.stringify(comparison, null, 2)}\n`);
    return comparison.rows.some(({ verdict }) => verdict === 'worse') ? 1 : 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    console.error(
      `bench: stopped by ${stop.signal.reason}; all processes and files of the comparison are gone`,
    );
    return 130;
  }
}

/** Both revisions, built, one run after the other. */
class Measurement {
  readonly #request: Request;
  readonly #place: Workplace;
  readonly #signal: AbortSignal;

  constructor(request: Request, place: Workplace, signal: AbortSignal) {
    this.#request = request;
    this.#place = place;
    this.#signal = signal;
  }

  async run(): Promise<Comparison> {
    // tools/run keeps the certificate of the package registry from all programs but npm.
    const { ORBWEAVER_REGISTRY_CA: certificate } = process.env;
    const environment = certificate ? { NODE_EXTRA_CA_CERTS: certificate } : {};
    console.error('installing and building the old revision');
    await this.#enclosed('old', ['sh', 'tools/run', 'build'], environment);
    const old = benchmarkNames(await this.#bench('old', ['--help']));
    const young = benchmarkNames(await this.#bench('new', ['--help']));
    const comparisons: Comparison[] = [];
    for (const name of chosen(this.#request.names, [...new Set([...young, ...old])])) {
      comparisons.push(
        compare(await this.#pairs(name, { old: old.includes(name), new: young.includes(name) })),
      );
    }
    return {
      rows: comparisons.flatMap(({ rows }) => rows),
      onlyOld: comparisons.flatMap(({ onlyOld }) => onlyOld),
      onlyNew: comparisons.flatMap(({ onlyNew }) => onlyNew),
    };
  }

  /** A benchmark that only one revision has runs once, to list its rows. */
  async #pairs(name: string, has: Readonly<Record<Side, boolean>>): Promise<Pair[]> {
    const pairs: Pair[] = [];
    const count = has.old && has.new ? this.#request.pairs : 1;
    for (let pair = 1; pair <= count; pair++) {
      const began = performance.now();
      const old = has.old ? readFigures(await this.#measure('old', name)) : [];
      const young = has.new ? readNewFigures(await this.#measure('new', name)) : [];
      pairs.push({ old, new: young });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      console.error(`${name}: pair ${pair} of ${count} measured in ${seconds} s`);
    }
    return pairs;
  }

  /** One run. Resolves with its figures as JSON. */
  async #measure(side: Side, name: string): Promise<string> {
    const { figures } = this.#place;
    rmSync(figures, { force: true });
    await this.#bench(side, [name, '--json', figures, ...(this.#request.quick ? ['--quick'] : [])]);
    return readFileSync(figures, 'utf8');
  }

  #bench(side: Side, args: readonly string[]): Promise<string> {
    return this.#enclosed(side, ['node', 'bench/main.ts', ...args]);
  }

  #enclosed(side: Side, command: readonly string[], environment = {}): Promise<string> {
    const tree = side === 'old' ? this.#place.clone : project;
    return runEnclosed(command, {
      tree,
      temporary: this.#place.temporary,
      environment,
      signal: this.#signal,
    });
  }
}

/** Throws INPUT_INVALID for a benchmark that neither revision has. */
function chosen(names: readonly string[], known: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names.length === 0 ? known : names;
  const message = `neither revision has a benchmark '${unknown}'${didYouMean(unknown, known)}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
