// npm run bench: measures each figure and its reference in one run.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { didYouMean, OrbError } from '#base';
import { type CommandLine, runProgram, wholeNumber } from '#program';
import { benchAdd, benchMemory } from './add.ts';
import { type Request as ComparisonRequest, compareRevisions } from './against/against.ts';
import { findRevision } from './against/revision.ts';
import { benchCoordinator } from './coordinator.ts';
import { benchOpenStack } from './openstack.ts';
import { benchPick } from './pick.ts';
import { benchPodWays } from './pod-ways.ts';
import { benchReactions } from './reactions.ts';
import { benchReclaim } from './reclaim.ts';
import { benchRepair } from './repair.ts';
import { markdownTable, textReport } from './report.ts';
import type { Row } from './row.ts';
import type { ServerChoice } from './scale/api-server.ts';
import { noKubeServer } from './scale/kube-server.ts';
import { benchScale } from './scale/scale.ts';
import { benchService } from './service.ts';
import { benchServiceTools } from './service-tools.ts';
import { benchShim } from './shim.ts';
import { benchStart } from './start.ts';
import { benchStore } from './store.ts';

const USAGE = `usage: npm run bench -- [add|coordinator|reactions|reclaim|repair|service|service-tools|shim|start|store|
          memory|openstack|pick|pod-ways|scale|all ...] [--quick] [--json FILE] [--markdown]
          [--kube | --kubeconfig FILE]
       npm run bench -- --against REV [NAME ...] [--pairs N] [--quick] [--json FILE]
Measures, each figure beside its reference in one run.
--quick        fewer samples
--json         writes the figures there
--markdown     writes the table into docs/performance.md
--kube         reactions and scale run on a kube-apiserver with etcd, which are built from source (needs Go)
--kubeconfig FILE
               reactions and scale run on the API server of that file, and leave their objects there
--against REV  measures another revision and the working tree in turn, and compares them;
               the exit code is 1 if a benchmark got worse by more than chance
--pairs N      how often each of them runs (3 to 50, default 5)`;

const benchmarks: Record<string, (quick: boolean, server: ServerChoice) => Promise<Row[]> | Row[]> = {
  shim: benchShim,
  add: benchAdd,
  coordinator: benchCoordinator,
  reactions: benchReactions,
  reclaim: benchReclaim,
  repair: benchRepair,
  service: benchService,
  'service-tools': benchServiceTools,
  memory: benchMemory,
  openstack: benchOpenStack,
  start: benchStart,
  store: benchStore,
  pick: benchPick,
  'pod-ways': benchPodWays,
  scale: benchScale,
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
  against: { type: 'string' },
  json: { type: 'string' },
  kube: { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  pairs: { type: 'string' },
  quick: { type: 'boolean', default: false },
} as const;

type Line = CommandLine<typeof options>;

/** Those that do not depend on which API server it is. */
const onAnyServer = ['reactions', 'scale'];

/** The API server that the user wants. Throws INPUT_INVALID for a wrong option. */
function serverOf({ kube, kubeconfig, markdown }: Line['values']): ServerChoice {
  if (!kube && kubeconfig === undefined) return 'embedded';
  if (kube && kubeconfig !== undefined) throw wrong('--kube and --kubeconfig exclude each other');
  if (markdown) throw wrong('--markdown is for the embedded API server: the page shows its figures');
  return kubeconfig === undefined ? 'kube' : { kubeconfig };
}

/** The requested benchmarks; throws INPUT_INVALID for a name that is unknown, or wrong for the API server. */
function askedFor({ values, positionals }: Line): string[] {
  const all = serverOf(values) === 'embedded' ? Object.keys(benchmarks) : onAnyServer;
  if (positionals.length === 0 || positionals.includes('all')) return all;
  const bound = positionals.find((name) => Object.hasOwn(benchmarks, name) && !all.includes(name));
  if (bound !== undefined) throw wrong(`'${bound}' runs on the embedded API server alone`);
  const unknown = positionals.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown === undefined) return positionals;
  throw wrong(`unknown benchmark '${unknown}'${didYouMean(unknown, Object.keys(benchmarks))}`);
}

/** The requested comparison; undefined when only this revision is measured. Throws INPUT_INVALID for a wrong option. */
function comparisonOf({ values, positionals }: Line): ComparisonRequest | undefined {
  const { against, pairs = '5', quick, json, markdown, kube, kubeconfig } = values;
  if (against === undefined) {
    if (values.pairs !== undefined) throw wrong('--pairs needs --against');
    return undefined;
  }
  if (markdown) throw wrong('--markdown and --against exclude each other: the page shows one revision');
  if (kube || kubeconfig !== undefined) throw wrong('--against compares on the embedded API server alone');
  const names = positionals.includes('all') ? [] : positionals;
  return { against, names, pairs: wholeNumber('--pairs', pairs, 3, 50), quick, json };
}

function wrong(problem: string): OrbError {
  return new OrbError('INPUT_INVALID', { message: `${problem}\n${USAGE}`, subject: 'command line' });
}

function check(line: Line): void {
  const comparison = comparisonOf(line);
  if (comparison === undefined) askedFor(line);
  else findRevision(comparison.against);
}

async function run(line: Line): Promise<number | undefined> {
  const comparison = comparisonOf(line);
  return comparison === undefined ? await measure(line) : await compareRevisions(comparison);
}

async function measure(line: Line): Promise<undefined> {
  const { values } = line;
  const server = serverOf(values);
  const missing = server === 'kube' ? await noKubeServer() : undefined;
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return;
  }
  const rows: Row[] = [];
  for (const name of askedFor(line)) {
    const began = performance.now();
    rows.push(...((await benchmarks[name]?.(values.quick, server)) ?? []));
    console.error(`${name} measured in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  console.log(textReport(rows));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (values.markdown) writeMarkdown(rows);
}

await runProgram({ name: 'bench', usage: USAGE, options, takesWords: true, check, run });
