// npm run test:sig.
// Kubernetes' own tests of the network, on real clusters whose pods are on networks of ours, and on others to compare with.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { builtPrograms, goVersion } from '../kube/build.ts';
import { writeImage } from '../kube/image.ts';
import { Outcomes } from '../kube/outcome.ts';
import { clusterSet, e2eSet, multusSet } from '../kube/programs.ts';
import { readResults, writePage, writeResults } from './results.ts';
import { runTrial, type TrialParts } from './run-trial.ts';
import { writeTestImages } from './test-images.ts';
import { type Trial, trials } from './trials.ts';

const options = {
  focus: { type: 'string' },
  record: { type: 'boolean', default: false },
  logs: { type: 'string' },
} as const;

type Line = CommandLine<typeof options>;

const root = join(import.meta.dirname, '../..');

/** Throws INPUT_INVALID for an unknown trial, and where the results of a choice would be recorded as those of all. */
function chosenTrials({ values, positionals }: Line): Map<string, Trial> {
  const refuse = (message: string) => new OrbError('INPUT_INVALID', { message, subject: 'command line' });
  if (values.record && values.focus !== undefined)
    throw refuse('--record records whole trials: give no --focus');
  if (positionals.length === 1 && positionals[0] === 'all') return new Map(trials);
  const names = positionals.length === 0 ? ['underlay'] : positionals;
  return new Map(
    names.map((name) => {
      const trial = trials.get(name);
      if (trial !== undefined) return [name, trial] as const;
      throw refuse(`${name} is not a known trial: allowed are all, ${[...trials.keys()].join(', ')}`);
    }),
  );
}

async function tryAll(line: Line): Promise<number> {
  const chosen = chosenTrials(line);
  const go = await goVersion();
  if (go === undefined) {
    console.log(
      "skipped: Kubernetes' own tests are built from Go modules, because Go is not on this machine",
    );
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-sig-'));
  try {
    const common = await prepare(go, folder);
    for (const [name, trial] of chosen) await tryOne(name, trial, common, line.values);
    const { outcomes } = common;
    console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
    return outcomes.failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What all clusters have. */
interface Common {
  readonly go: string;
  /** The folder with the archives of images. */
  readonly folder: string;
  readonly images: readonly string[];
  /** The folder of the tests. */
  readonly tests: string;
  readonly outcomes: Outcomes;
}

async function prepare(go: string, folder: string): Promise<Common> {
  const tests = await builtPrograms(go, e2eSet);
  const image = await writeImage(folder, join(root, 'dist/lab-probe'));
  const testImages = await writeTestImages(folder, tests, join(root, 'test/kube/e2e'));
  return { go, folder, images: [image, testImages], tests, outcomes: new Outcomes() };
}

async function tryOne(name: string, trial: Trial, common: Common, values: Line['values']): Promise<void> {
  const results = await runTrial(name, trial, await partsFor(trial, common), {
    focus: values.focus,
    logs: values.logs,
  });
  if (!values.record || results === undefined) return;
  const kept = readResults().set(name, results);
  writeResults(kept);
  writePage(kept);
}

async function partsFor({ network }: Trial, { go, folder, images, ...common }: Common): Promise<TrialParts> {
  const programs = await builtPrograms(go, clusterSet);
  const multus = network.withMultus ? await builtPrograms(go, multusSet) : undefined;
  const shared = [root, programs, multus ?? '', common.tests, folder].filter(Boolean);
  const cluster = {
    programs,
    multus: multus === undefined ? undefined : join(multus, 'multus-4.2'),
    images,
    shared,
  };
  return { ...common, cluster, root };
}

const trialNames = [...trials.keys()];

const usage = `usage: npm run test:sig [-- all | TRIAL …] [--focus REGEX] [--record] [--logs FOLDER]
Kubernetes' own tests of the network on real clusters in namespaces of this machine; needs Go. Without words: underlay.
TRIAL     ${trialNames.slice(0, 6).join(' ')}
          ${trialNames.slice(6).join(' ')}
--focus   only tests of the trial whose names match
--record  writes the results into test/sig/results.json and docs/kubernetes-tests.md
--logs    keeps the logs there, also where all passes`;
await runProgram({
  name: 'test:sig',
  usage,
  options,
  takesWords: true,
  check: chosenTrials,
  run: tryAll,
});
