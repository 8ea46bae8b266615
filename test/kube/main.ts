// npm run test:kube.
// The product on a real cluster: Kubernetes with kubelets, containerd, kube-proxy and Multus in namespaces of this machine, our
// agents on its nodes, and pods with addresses of its LAN; once with each mode of kube-proxy, then beside Calico and flannel.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { builtPrograms, goVersion } from './build.ts';
import { Cluster, type ClusterParts } from './cluster.ts';
import { writeImage } from './image.ts';
import { Outcomes, Unreached } from './outcome.ts';
import { playCalico, playFlannel } from './overlay-plays.ts';
import { Scenario, type ScenarioParts } from './scenario.ts';

const options = {
  only: { type: 'string' },
  'no-compliance': { type: 'boolean', default: false },
  logs: { type: 'string' },
} as const;

type Values = CommandLine<typeof options>['values'];

/** One cluster and what is tried on it. */
interface Run {
  readonly name: string;
  readonly title: string;
  readonly cluster: Pick<ClusterParts, 'proxyMode' | 'overlay'>;
  readonly play: (parts: ScenarioParts) => Promise<void>;
}

const runs = ({ 'no-compliance': noCompliance }: Values): Run[] => [
  {
    name: 'iptables',
    title: 'kube-proxy in mode iptables',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    play: (parts) => new Scenario(parts).play({ withCompliance: !noCompliance }),
  },
  {
    name: 'nftables',
    title: 'kube-proxy in mode nftables',
    cluster: { proxyMode: 'nftables', overlay: 'routed' },
    play: (parts) => new Scenario(parts).play({ withCompliance: false }),
  },
  {
    name: 'calico',
    title: 'beside Calico',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    play: playCalico,
  },
  {
    name: 'flannel',
    title: 'beside flannel',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    play: playFlannel,
  },
];

/** Throws INPUT_INVALID where --only names none. */
function chosenRuns(values: Values): Run[] {
  const all = runs(values);
  const chosen = all.filter(({ name }) => values.only === undefined || values.only === name);
  if (chosen.length > 0) return chosen;
  const message = `--only ${values.only} is no run: allowed are ${all.map(({ name }) => name).join(', ')}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

async function tryAll(values: Values): Promise<number> {
  const chosen = chosenRuns(values);
  const go = await goVersion();
  if (go === undefined) {
    console.log('skipped: a real cluster is built from Go modules, and Go is not on this machine');
    console.log(`0 passed, 0 failed, all checks of ${chosen.length} clusters skipped`);
    return 0;
  }
  const programs = await builtPrograms(go);
  const outcomes = new Outcomes();
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-kube-'));
  try {
    const root = join(import.meta.dirname, '../..');
    const image = await writeImage(folder, join(root, 'dist/lab-probe'));
    for (const run of chosen) {
      console.log(`${run.title}:`);
      const shared = [root, programs, folder];
      const made = { programs, image, shared, ...run.cluster };
      await tryRun(run, made, { outcomes, root, programs }, values.logs);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
  return outcomes.failed === 0 ? 0 : 1;
}

async function tryRun(
  run: Run,
  made: ClusterParts,
  parts: Omit<ScenarioParts, 'cluster'>,
  logs: string | undefined,
): Promise<void> {
  const { outcomes } = parts;
  const failedBefore = outcomes.failed;
  let cluster: Cluster | undefined;
  try {
    await outcomes.require('a cluster of two nodes is up', async () => {
      cluster = await Cluster.start(made);
    });
    if (cluster === undefined) return;
    await run.play({ ...parts, cluster });
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    console.log('     the rest of this cluster was not tried');
  } finally {
    if (cluster !== undefined) {
      if (logs !== undefined || outcomes.failed > failedBefore) await saveLogs(cluster, run.name, logs);
      await cluster.stop();
    }
  }
}

async function saveLogs(cluster: Cluster, name: string, logs: string | undefined): Promise<void> {
  const folder = join(logs ?? mkdtempSync(join(tmpdir(), 'orbweaver-kube-logs-')), name);
  mkdirSync(folder, { recursive: true });
  await cluster.saveLogs(folder);
  console.log(`     logs: ${folder}`);
}

const usage = `usage: npm run test:kube [-- --only iptables|nftables|calico|flannel] [--no-compliance] [--logs FOLDER]
The product on a real cluster in namespaces of this machine; needs Go.
--only           one cluster instead of all
--no-compliance  without the suite of test/compliance
--logs           keeps the logs there, also where all passes`;
await runProgram({
  name: 'test:kube',
  usage,
  options,
  check: ({ values }) => chosenRuns(values),
  run: ({ values }) => tryAll(values),
});
