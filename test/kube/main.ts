// npm run test:kube [-- --proxy iptables|nftables] [--no-compliance] [--logs FOLDER]
// First light on a real cluster: Kubernetes with kubelets, containerd, kube-proxy and Multus in namespaces of this machine,
// our agents on its nodes, and pods with addresses of its LAN; once with each mode of kube-proxy.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { builtPrograms, goVersion } from './build.ts';
import { Cluster, type ProxyMode } from './cluster.ts';
import { writeImage } from './image.ts';
import { Outcomes, Unreached } from './outcome.ts';
import { Scenario } from './scenario.ts';

const modes: readonly ProxyMode[] = ['iptables', 'nftables'];
/** How many checks a mode has: what a machine without Go skips. */
const checksOfMode = 15;

const { values } = parseArgs({
  options: {
    proxy: { type: 'string' },
    'no-compliance': { type: 'boolean', default: false },
    logs: { type: 'string' },
  },
});

async function main(): Promise<void> {
  const chosen = modes.filter((mode) => values.proxy === undefined || values.proxy === mode);
  if (chosen.length === 0)
    throw new Error(`--proxy ${values.proxy} is no mode: allowed are ${modes.join(' and ')}`);
  const go = await goVersion();
  if (go === undefined) {
    console.log('skipped: a real cluster is built from Go modules, and Go is not on this machine');
    console.log(`0 passed, 0 failed, ${chosen.length * checksOfMode} skipped`);
    return;
  }
  const programs = await builtPrograms(go);
  const outcomes = new Outcomes();
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-kube-'));
  try {
    const root = join(import.meta.dirname, '../..');
    const image = await writeImage(folder, join(root, 'dist/lab-probe'));
    for (const proxyMode of chosen) {
      console.log(`kube-proxy in mode ${proxyMode}:`);
      await tryMode({ outcomes, root, programs, image, proxyMode, shared: [root, programs, folder] });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
  process.exitCode = outcomes.failed === 0 ? 0 : 1;
}

interface ModeParts {
  readonly outcomes: Outcomes;
  readonly root: string;
  readonly programs: string;
  readonly image: string;
  readonly shared: readonly string[];
  readonly proxyMode: ProxyMode;
}

async function tryMode({ outcomes, root, ...parts }: ModeParts): Promise<void> {
  const failedBefore = outcomes.failed;
  let cluster: Cluster | undefined;
  try {
    await outcomes.require('a cluster of two nodes is up', async () => {
      cluster = await Cluster.start(parts);
    });
    if (cluster === undefined) return;
    const isFirst = parts.proxyMode === 'iptables';
    await new Scenario({ cluster, outcomes, root }).play({
      withCompliance: isFirst && !values['no-compliance'],
    });
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    console.log('     the rest of this mode was not tried');
  } finally {
    if (cluster !== undefined) {
      if (values.logs !== undefined || outcomes.failed > failedBefore)
        await saveLogs(cluster, parts.proxyMode);
      await cluster.stop();
    }
  }
}

async function saveLogs(cluster: Cluster, proxyMode: ProxyMode): Promise<void> {
  const folder = join(values.logs ?? mkdtempSync(join(tmpdir(), 'orbweaver-kube-logs-')), proxyMode);
  mkdirSync(folder, { recursive: true });
  await cluster.saveLogs(folder);
  console.log(`     logs: ${folder}`);
}

try {
  await main();
} catch (error) {
  console.error(`test:kube: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
