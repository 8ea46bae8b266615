// npm run test:kube.
// First, real clients use the embedded API server. Then the product runs on a real cluster in namespaces of this machine.
// The cluster has kubelets, containerd, kube-proxy and Multus. Our agents run on its nodes, and pods get addresses of its LAN.
// This is done once with each mode of kube-proxy, then beside Calico and flannel. Last, Helm installs it from its images. By hand, things go wrong there.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { buildImages } from '../../tools/image/build-images.ts';
import { platforms } from '../../tools/image/platform.ts';
import { builtPrograms, goVersion } from './build.ts';
import { multusImage } from './chart-release.ts';
import { playClients } from './clients-play.ts';
import { Cluster, type ClusterParts } from './cluster.ts';
import { FIRST_CHART } from './earlier-release.ts';
import { writeImage, writeMultusImage } from './image.ts';
import { Outcomes, Unreached } from './outcome.ts';
import { clientSet, clusterSet, multusSet, thickMultusSet } from './programs.ts';
import { type Run, runs } from './runs.ts';
import type { ScenarioParts } from './scenario.ts';

const options = {
  only: { type: 'string' },
  'no-compliance': { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  logs: { type: 'string' },
  from: { type: 'string', default: FIRST_CHART },
} as const;

type Values = CommandLine<typeof options>['values'];

interface Chosen {
  readonly withClients: boolean;
  readonly clusters: readonly Run[];
}

/** Throws INPUT_INVALID when --only matches nothing. */
function chosenRuns(values: Values): Chosen {
  const { only } = values;
  const all = runs({ withCompliance: !values['no-compliance'], isLong: values.all, from: values.from });
  const withClients = only === undefined || only === 'clients';
  const clusters = all.filter(({ name, byHand }) =>
    only === undefined ? values.all || byHand === undefined : only === name,
  );
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
    const thickMultus = await builtPrograms(go, thickMultusSet);
    await tryClusters(outcomes, clusters, { programs, multus, thickMultus, helm }, values.logs);
  }
  console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
  return outcomes.failed === 0 ? 0 : 1;
}

/** Folders of programs, and the executable of Helm. */
interface BuiltPrograms {
  readonly programs: string;
  readonly multus: string;
  readonly thickMultus: string;
  readonly helm: string;
}

async function tryClusters(
  outcomes: Outcomes,
  clusters: readonly Run[],
  { programs, multus, thickMultus, helm }: BuiltPrograms,
  logs: string | undefined,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-kube-'));
  try {
    const root = join(import.meta.dirname, '../..');
    const image = await writeImage(folder, join(root, 'dist/lab-probe'));
    const ofChart = clusters.some(({ withImages }) => withImages)
      ? [...productImages(folder), await writeMultusImage(folder, thickMultus, multusImage)]
      : [];
    for (const run of clusters) {
      console.log(`${run.title}:`);
      const shared = [root, programs, multus, folder];
      const made = {
        programs,
        multus: run.multus === 'chart' ? undefined : join(multus, run.multus),
        images: [image, ...(run.withImages ? ofChart : []), ...((await run.moreImages?.()) ?? [])],
        shared,
        ...run.cluster,
      };
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

const usage = `usage: npm run test:kube [-- --only NAME] [--no-compliance] [--all] [--logs FOLDER] [--from REV]
Real clients on the embedded API server, and the product on real clusters in namespaces of this machine; needs Go.
--only           clients, iptables, nftables, calico, flannel or chart; without it, all of these.
                 By hand: upgrade, import, metallb, openstack, sockets, reliability, density or density-calico
--no-compliance  without the suite of test/compliance
--all            everything, in its long form: more pairs of killed programs, longer outages, 250 pods on a node
--logs           keeps the logs there, also where all passes
--from           the commit that the run upgrade begins with (default: the first with a whole chart)`;
await runProgram({
  name: 'test:kube',
  usage,
  options,
  check: ({ values }) => chosenRuns(values),
  run: ({ values }) => tryAll(values),
});
