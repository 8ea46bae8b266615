// What an installed cluster does when something goes wrong, while pods roll: every pod has its NICs afterwards, no address is
// held twice or by nobody, nothing of ours is left without an owner, and running pods have lost no packet.

import { ChartRelease } from './chart-release.ts';
import type { Cluster } from './cluster.ts';
import { until } from './command.ts';
import { type Disturbance, kills, outages } from './disturbances.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { untilWhole } from './nics-of-pods.ts';
import { clockValues, makeClocks } from './node-clocks.ts';
import type { ScenarioParts } from './scenario.ts';
import { Traffic } from './traffic.ts';

/** The pods of the three workloads. */
const expected = { apps: ['underlay', 'lives', 'fixed'], podCount: 10 };

const rolling = ['deployment/lives', 'statefulset/fixed'];

export interface ReliabilityOptions {
  /** How long the API server is away. */
  readonly secondsAway: number;
  /** How many pairs of programs are killed at once. */
  readonly pairs: number;
}

export async function playReliability(
  parts: ScenarioParts,
  { secondsAway, pairs }: ReliabilityOptions,
): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const installation = new Installation(cluster, root);
  await storeNetworks(cluster, 'kubeadm');
  await outcomes.require('Helm installs it, and pods with one and two NICs run', async () => {
    await makeClocks(cluster);
    await new ChartRelease(parts).install([], clockValues);
    await installation.makeUnderlay();
    for (const name of ['workloads', 'node-lives', 'fixed']) {
      await installation.apply(`test/kube/manifests/${name}.yaml`);
    }
    await cluster.kubectl(['delete', 'daemonset', 'overlay', '--timeout=60s']);
    await untilWhole(cluster, expected);
  });
  const traffic = await Traffic.betweenNodes(cluster);
  for (const { title, happen } of [...kills, ...outages(secondsAway), ...randomPairs(pairs)]) {
    await outcomes.check(`while pods roll, ${title}: all pods have all NICs afterwards`, () =>
      whilePodsRoll(cluster, happen),
    );
  }
  await outcomes.check('pods that ran all the time have lost no packet', () => traffic.stopWithoutLoss());
  await outcomes.check(
    'a node loses its power while pods roll, and all pods have all NICs when it is back',
    () => whilePodsRoll(cluster, () => cluster.reboot('node2')),
  );
}

/** A Deployment's and a StatefulSet's pods are exchanged, and the work runs in the middle of it. */
async function whilePodsRoll(cluster: Cluster, happen: Disturbance['happen']): Promise<void> {
  await cluster.kubectl(['rollout', 'restart', ...rolling]);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 2000));
  await happen(cluster);
  for (const workload of rolling) {
    await until(`${workload} has rolled`, 150, async () => {
      await cluster.kubectl(['rollout', 'status', workload, '--timeout=2s']);
      return true;
    });
  }
  await untilWhole(cluster, expected);
}

/** Two different programs each. The titles say which. */
function randomPairs(count: number): Disturbance[] {
  return Array.from({ length: count }, () => {
    const first = Math.floor(Math.random() * kills.length);
    const second = (first + 1 + Math.floor(Math.random() * (kills.length - 1))) % kills.length;
    const both = [kills[first], kills[second]].filter((each) => each !== undefined);
    return {
      title: both.map(({ title }) => title).join(', and '),
      happen: async (cluster: Cluster) => {
        await Promise.all(both.map(({ happen }) => happen(cluster)));
      },
    };
  });
}
