// One trial: a cluster, its pods' network, its DNS, and the tests.

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type ClusterParts } from '../kube/cluster.ts';
import { type Outcomes, Unreached } from '../kube/outcome.ts';
import { reasonFor } from './reasons.ts';
import type { TestResult } from './report.ts';
import { runSuite, suites } from './suites.ts';
import type { Trial } from './trials.ts';

export interface TrialParts {
  readonly cluster: Pick<ClusterParts, 'programs' | 'multus' | 'images' | 'shared'>;
  /** The folder of the tests and of their runner. */
  readonly tests: string;
  /** The checkout. */
  readonly root: string;
  readonly outcomes: Outcomes;
}

export interface TrialOptions {
  /** Only tests whose names match. */
  readonly focus: string | undefined;
  /** A folder for the logs. A failed trial keeps them anyway. */
  readonly logs: string | undefined;
}

/** Returns what the tests have found, or undefined when they did not run. */
export async function runTrial(
  name: string,
  trial: Trial,
  parts: TrialParts,
  { focus, logs }: TrialOptions,
): Promise<TestResult[] | undefined> {
  const { outcomes } = parts;
  const failedBefore = outcomes.failed;
  const proxy = trial.proxyMode === 'none' ? 'without kube-proxy' : `kube-proxy in mode ${trial.proxyMode}`;
  console.log(`${name}: pods on ${trial.network.title}, ${proxy}`);
  let cluster: Cluster | undefined;
  let results: TestResult[] | undefined;
  try {
    cluster = await startCluster(trial, parts);
    results = await tryTests(cluster, trial, parts, focus);
    if (focus === undefined) await expectAll(results, trial, outcomes);
    await expectPasses(name, results, outcomes);
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
  } finally {
    if (cluster !== undefined) {
      if (logs !== undefined || outcomes.failed > failedBefore) await saveLogs(cluster, name, logs);
      await cluster.stop();
    }
  }
  return results;
}

async function startCluster(trial: Trial, parts: TrialParts): Promise<Cluster> {
  const { proxyMode } = trial;
  let cluster: Cluster | undefined;
  await parts.outcomes.require('a cluster of two nodes is up', async () => {
    cluster = await Cluster.start({ ...parts.cluster, proxyMode, overlay: 'none' });
  });
  if (cluster === undefined) throw new Unreached('a cluster');
  return cluster;
}

async function tryTests(
  cluster: Cluster,
  trial: Trial,
  { cluster: { programs }, tests, root, outcomes }: TrialParts,
  focus: string | undefined,
): Promise<TestResult[]> {
  await outcomes.require('the nodes are Ready with the network of the pods', () =>
    trial.network.install({ cluster, root, programs }),
  );
  await outcomes.require('the DNS of the cluster is Ready', async () => {
    await cluster.apply(join(root, 'test/sig/dns.yaml'));
    const ready = ['rollout', 'status', '-n', 'kube-system', '--timeout=60s', 'deployment/coredns'];
    await cluster.kubectl(ready);
  });
  let results: TestResult[] = [];
  await outcomes.require('the tests have run', async () => {
    const suite = suites[trial.suite];
    results = await runSuite(cluster, tests, focus === undefined ? suite : { ...suite, focus });
  });
  return results;
}

/** A choice that matches nothing would pass. */
async function expectAll(results: readonly TestResult[], trial: Trial, outcomes: Outcomes): Promise<void> {
  const { least } = suites[trial.suite];
  await outcomes.check(`${trial.suite} has at least ${least} tests`, async () => {
    if (results.length < least) throw new Error(`only ${results.length} were found`);
  });
}

/** A test that fails may have its reason in {@link reasonFor}: the page shows it. */
async function expectPasses(
  trial: string,
  results: readonly TestResult[],
  outcomes: Outcomes,
): Promise<void> {
  const known = new Map(results.map(({ name }) => [name, reasonFor(trial, name)]));
  for (const { name, state, why = '' } of results) {
    if (state === 'skipped') console.log(`     skipped itself: ${name}: ${why}`);
    if (state === 'failed' && known.get(name) !== undefined)
      console.log(`     fails: ${name}: ${known.get(name)}`);
  }
  const failed = results.filter(({ name, state }) => state === 'failed' && known.get(name) === undefined);
  const passed = results.filter(({ state }) => state === 'passed').length;
  await outcomes.check(`${passed} tests pass, and no other fails without a known reason`, async () => {
    if (failed.length > 0) throw new Error(failed.map(({ name, why }) => `${name}\n${why}`).join('\n'));
  });
}

async function saveLogs(cluster: Cluster, name: string, logs: string | undefined): Promise<void> {
  const folder = join(logs ?? mkdtempSync(join(tmpdir(), 'orbweaver-sig-logs-')), name);
  mkdirSync(folder, { recursive: true });
  await cluster.saveLogs(folder);
  console.log(`     logs: ${folder}`);
}
