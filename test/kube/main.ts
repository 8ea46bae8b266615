// npm run test:kube.
// First, real clients use the embedded API server. Then the product runs on a real cluster in namespaces of this machine.
// The cluster has kubelets, containerd, kube-proxy and Multus. Our agents run on its nodes, and pods get addresses of its LAN.
// This is done once with each mode of kube-proxy, then beside Calico and flannel. Last, Helm installs it from its images.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { buildImages } from '../../tools/image/build-images.ts';
import { platforms } from '../../tools/image/platform.ts';
import { builtPrograms, goVersion } from './build.ts';
import { playChart } from './chart-play.ts';
import { playClients } from './clients-play.ts';
import { Cluster, type ClusterParts } from './cluster.ts';
import { writeImage } from './image.ts';
import { Outcomes, Unreached } from './outcome.ts';
import { playCalico, playFlannel } from './overlay-plays.ts';
import { clientSet, clusterSet, multusSet } from './programs.ts';
import { Scenario, type ScenarioParts } from './scenario.ts';

const options = {
  only: { type: 'string' },
  'no-compliance': { type: 'boolean', default: false },
  logs: { type: 'string' },
} as const;

type Values = CommandLine<typeof options>['values'];

/** One cluster and its tests. */
interface Run {
  readonly name: 'iptables' | 'nftables' | 'calico' | 'flannel' | 'chart';
  readonly title: string;
  readonly cluster: Pick<ClusterParts, 'proxyMode' | 'overlay'>;
  readonly multus: 'multus-4.2' | 'multus-4.3';
  /** Whether the nodes have the images of our programs. */
  readonly withProduct?: boolean;
  readonly play: (parts: ScenarioParts) => Promise<void>;
}

const runs = ({ 'no-compliance': noCompliance }: Values): Run[] => [
  {
    name: 'iptables',
    title: 'kube-proxy in mode iptables, Multus 4.2',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'multus-4.2',
    play: (parts) =>
      new Scenario(parts).play({
        withCompliance: !noCompliance,
        withPodLives: false,
        networksFrom: 'kubeadm',
      }),
  },
  {
    name: 'nftables',
    title: 'kube-proxy in mode nftables, Multus 4.3',
    cluster: { proxyMode: 'nftables', overlay: 'routed' },
    multus: 'multus-4.3',
    play: (parts) =>
      new Scenario(parts).play({ withCompliance: false, withPodLives: true, networksFrom: 'flags' }),
  },
  {
    name: 'calico',
    title: 'beside Calico, Multus 4.3',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    multus: 'multus-4.3',
    play: playCalico,
  },
  {
    name: 'flannel',
    title: 'beside flannel, Multus 4.2',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    multus: 'multus-4.2',
    play: playFlannel,
  },
  {
    name: 'chart',
    title: 'installed by Helm, Multus 4.3',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'multus-4.3',
    withProduct: true,
    play: playChart,
  },
];

interface Chosen {
  readonly withClients: boolean;
  readonly clusters: readonly Run[];
}

/** Throws INPUT_INVALID when --only matches nothing. */
function chosenRuns(values: Values): Chosen {
  const { only } = values;
  const all = runs(values);
  const withClients = only === undefined || only === 'clients';
  const clusters = all.filter(({ name }) => only === undefined || only === name);
  if (withClients || clusters.length > 0) return { withClients, clusters };
  const names = ['clients', ...all.map(({ name }) => name)].join(', ');
  const message = `--only ${only} is not a known run: allowed are ${names}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

async function tryAll(values: Values): Promise<number> {
  const { withClients, clusters } = chosenRuns(values);
  const go = await goVersion();
  if (go === undefined) {
    const what = 'real clusters and their clients are built from Go modules';
    console.log(`skipped: ${what}, because Go is not on this machine`);
    console.log(`0 passed, 0 failed, all checks of clients and of ${clusters.length} clusters skipped`);
    return 0;
  }
  const outcomes = new Outcomes();
  if (withClients) await playClients(outcomes, await builtPrograms(go, clientSet));
  if (clusters.length > 0) {
    const programs = await builtPrograms(go, clusterSet);
    const helm = join(await builtPrograms(go, clientSet), 'helm');
    const multus = await builtPrograms(go, multusSet);
    await tryClusters(outcomes, clusters, { programs, multus, helm }, values.logs);
  }
  console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
  return outcomes.failed === 0 ? 0 : 1;
}

async function tryClusters(
  outcomes: Outcomes,
  clusters: readonly Run[],
  { programs, multus, helm }: Readonly<Record<'programs' | 'multus' | 'helm', string>>,
  logs: string | undefined,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-kube-'));
  try {
    const root = join(import.meta.dirname, '../..');
    const image = await writeImage(folder, join(root, 'dist/lab-probe'));
    const product = clusters.some(({ withProduct }) => withProduct) ? productImages(folder) : [];
    for (const run of clusters) {
      console.log(`${run.title}:`);
      const shared = [root, programs, multus, folder];
      const images = run.withProduct ? [image, ...product] : [image];
      const made = { programs, multus: join(multus, run.multus), images, shared, ...run.cluster };
      await tryRun(run, made, { outcomes, root, programs, helm }, logs);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Archives of the images of our programs, for this machine. */
function productImages(folder: string): string[] {
  const own = platforms.filter(({ node }) => node === process.arch);
  return buildImages(join(folder, 'images'), own).map(({ archive }) => archive);
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

const usage = `usage: npm run test:kube [-- --only clients|iptables|nftables|calico|flannel|chart] [--no-compliance] [--logs FOLDER]
Real clients on the embedded API server, and the product on real clusters in namespaces of this machine; needs Go.
--only           the clients or one cluster instead of all
--no-compliance  without the suite of test/compliance
--logs           keeps the logs there, also where all passes`;
await runProgram({
  name: 'test:kube',
  usage,
  options,
  check: ({ values }) => chosenRuns(values),
  run: ({ values }) => tryAll(values),
});
