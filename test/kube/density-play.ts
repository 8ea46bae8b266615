// Many pods on a node: bursts of underlay pods beside bursts of pods of the cluster's own network, in turn on one cluster, and as
// many pods as a node can have.

import { textReport } from '../../bench/report.ts';
import { median, type Row, ratioRow } from '../../bench/row.ts';
import { type Burst, endBurst, overlay, sandboxFailures, startBurst, underlay } from './bursts.ts';
import { ChartRelease } from './chart-release.ts';
import type { Cluster } from './cluster.ts';
import { until } from './command.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import type { OverlayNetwork } from './overlay-network.ts';
import type { ScenarioParts } from './scenario.ts';
import { nodeTraces, untilNothingLeft } from './traces.ts';

export interface DensityOptions {
  /** The cluster's own network that is installed first; undefined: the cluster has one. */
  readonly network: OverlayNetwork | undefined;
  readonly pairs: number;
  /** Pods of each burst of a pair. */
  readonly burst: number;
  /** Pods on one node at last. */
  readonly onNode: number;
}

export async function playDensity(parts: ScenarioParts, options: DensityOptions): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const { network, pairs, burst, onNode } = options;
  const installation = new Installation(cluster, root);
  await outcomes.require('Helm installs it', async () => {
    await network?.install(cluster);
    await storeNetworks(cluster, 'kubeadm');
    await new ChartRelease(parts).install(network === undefined ? [] : ['multus.multusCNI.install=false']);
    await installation.makeUnderlay();
    await installation.makeManyAddresses();
  });
  await outcomes.check(
    `bursts of ${burst} pods, on the underlay and on the cluster's own network in turn: no sandbox fails`,
    async () => {
      const made = { reference: [] as Burst[], underlay: [] as Burst[] };
      for (let i = 0; i < pairs; i++) {
        made.reference.push(await burstOf(cluster, burst, overlay));
        made.underlay.push(await burstOf(cluster, burst, underlay));
      }
      console.log(textReport(rowsOf(made)).replaceAll(/^/gm, '     '));
      const failures = await sandboxFailures(cluster);
      if (failures.length > 0) throw new Error(failures.join('\n'));
    },
  );
  await outcomes.check('they leave nothing', () => untilNothingLeft(cluster, 90));
  await outcomes.check(`${onNode} pods run on one node`, async () => {
    const { allMs } = await startBurst(cluster, { count: onNode, annotations: underlay, node: 'node2' });
    const traces = await nodeTraces(cluster, 'node2');
    const count = (kind: string) => traces.filter((line) => line.startsWith(`${kind} `)).length;
    console.log(
      `     after ${(allMs / 1000).toFixed(1)} s: ${count('route')} host routes, ${count('neighbour')} neighbours, ` +
        `${count('link')} links; the agent has ${await agentMemory(cluster)} MB`,
    );
  });
  await outcomes.check('they run again after a reboot of the node', async () => {
    const before = await containerIds(cluster);
    await cluster.reboot('node2');
    await until('all containers are new ones', 600, async () => {
      const ids = await containerIds(cluster);
      const old = ids.filter((id) => before.includes(id));
      if (ids.length !== onNode || old.length > 0)
        throw new Error(`${ids.length} run, ${old.length} are old`);
      return true;
    });
  });
  await outcomes.check('they leave nothing', async () => {
    console.log(`     gone after ${((await endBurst(cluster)) / 1000).toFixed(1)} s`);
    await untilNothingLeft(cluster, 90);
  });
}

function rowsOf(made: { readonly reference: readonly Burst[]; readonly underlay: readonly Burst[] }): Row[] {
  const row = (name: string, limit: number, measure: (burst: Burst) => number) => {
    const [ours, reference] = [made.underlay, made.reference].map(
      (bursts) => median(bursts.map(measure)) / 1000,
    );
    return ratioRow(`${name} : on the cluster's own network`, 's', ours ?? 0, reference ?? 0, limit);
  };
  return [
    row('start of an underlay pod, p50', 1.1, ({ startsMs }) => median(startsMs)),
    row('creation until all underlay pods run', 1, ({ allMs }) => allMs),
  ];
}

async function burstOf(cluster: Cluster, count: number, annotations: Readonly<Record<string, string>>) {
  const burst = await startBurst(cluster, { count, annotations });
  await endBurst(cluster);
  return burst;
}

/** Ids of the running containers of the burst. */
async function containerIds(cluster: Cluster): Promise<string[]> {
  const path =
    '{range .items[*]}{.status.containerStatuses[0].ready} {.status.containerStatuses[0].containerID}{"\\n"}{end}';
  const lines = await cluster.kubectl(['get', 'pods', '-l', 'app=burst', '-o', `jsonpath=${path}`]);
  return lines.split('\n').flatMap((line) => (line.startsWith('true ') ? [line.slice(5)] : []));
}

/** Resident memory of the agent of node2, in MB. */
async function agentMemory(cluster: Cluster): Promise<number> {
  const script =
    'for p in /proc/[0-9]*; do grep -q -a agent.mjs "$p/cmdline" 2>/dev/null && grep VmRSS "$p/status"; done';
  const lines = await cluster.node('node2', ['sh', '-c', `${script}; true`]);
  return Math.round(Math.max(...[...lines.matchAll(/(\d+) kB/g)].map(([, kb]) => Number(kb))) / 1024);
}
