// npm run bench: measures each figure and its reference in one run.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { didYouMean, OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { benchAdd, benchMemory } from './add.ts';
import { benchCoordinator } from './coordinator.ts';
import { benchPick } from './pick.ts';
import { benchRepair } from './repair.ts';
import { markdownTable, textReport } from './report.ts';
import type { Row } from './row.ts';
import { benchShim } from './shim.ts';
import { benchStore } from './store.ts';

const usage = `usage: npm run bench -- [add|coordinator|repair|shim|store|memory|pick|all ...] [--quick] [--json FILE] [--markdown]
Measures, each figure beside its reference in one run.
--quick     fewer samples
--json      writes the figures there
--markdown  writes the table into docs/performance.md`;

const benchmarks: Record<string, (quick: boolean) => Promise<Row[]> | Row[]> = {
  shim: benchShim,
  add: benchAdd,
  coordinator: benchCoordinator,
  repair: benchRepair,
  memory: benchMemory,
  store: benchStore,
  pick: benchPick,
};

const document = join(import.meta.dirname, '../docs/performance.md');
const [begin, end] = ['<!-- figures -->', '<!-- end of figures -->'];

/** Writes the figures between the markers of docs/performance.md. */
function writeMarkdown(rows: readonly Row[]): void {
  const text = readFileSync(document, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${document} has no place between ${begin} and ${end}`);
  const machine = `${cpus().length} × ${cpus()[0]?.model}, Linux ${release().split('.', 2).join('.')}, Node ${process.versions.node}`;
  const figures = `${begin}\n\n${machine}\n\n${markdownTable(rows)}\n\n`;
  writeFileSync(document, text.slice(0, from) + figures + text.slice(to));
}

const options = {
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
} as const;

type Line = CommandLine<typeof options>;

/** The requested benchmarks; throws INPUT_INVALID for an unknown name. */
function askedFor({ positionals }: Pick<Line, 'positionals'>): string[] {
  if (positionals.length === 0 || positionals.includes('all')) return Object.keys(benchmarks);
  const unknown = positionals.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown === undefined) return positionals;
  const message = `unknown benchmark '${unknown}'${didYouMean(unknown, Object.keys(benchmarks))}\n${usage}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

async function measure({ values, positionals }: Line): Promise<undefined> {
  const rows: Row[] = [];
  for (const name of askedFor({ positionals })) {
    const began = performance.now();
    rows.push(...((await benchmarks[name]?.(values.quick)) ?? []));
    console.error(`${name} measured in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  console.log(textReport(rows));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (values.markdown) writeMarkdown(rows);
}

await runProgram({ name: 'bench', usage, options, takesWords: true, check: askedFor, run: measure });
