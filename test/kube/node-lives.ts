// Nodes that reboot and that are drained: every pod has its NICs again, and nothing else is there.

import type { Cluster, NodeName } from './cluster.ts';
import { until } from './command.ts';
import type { KeptAddressesParts } from './kept-addresses.ts';
import { livePods, untilWhole } from './nics-of-pods.ts';
import { serverPort } from './places.ts';
import { allocations, untilNothingLeft } from './traces.ts';

/** The controller runs on the other one. */
const node: NodeName = 'node2';
/** The pods of the two manifests. */
const expected = { apps: ['lives', 'fixed'], podCount: 6 };

export async function playNodeLives({ cluster, outcomes, installation }: KeptAddressesParts): Promise<void> {
  await outcomes.check('pods with one and two NICs are on both nodes', async () => {
    await installation.apply('test/kube/manifests/node-lives.yaml');
    await installation.apply('test/kube/manifests/fixed.yaml');
    const pods = await untilWhole(cluster, expected);
    if (!pods.some((pod) => pod.node === node)) throw new Error(`no pod is on ${node}`);
  });
  await outcomes.check(
    'after a reboot of its node, each pod has every NIC again, and nothing is left',
    async () => {
      const before = await livePods(cluster, expected.apps);
      const fixed = await fixedAddresses(cluster);
      await cluster.reboot(node);
      await installation.agents.start(node);
      await cluster.startOnNode(node, [installation.probe, 'serve', String(serverPort)]);
      await until('the containers of the node are new ones', 90, async () => {
        const ids = new Set((await livePods(cluster, expected.apps)).map(({ containerId }) => containerId));
        return before.every((pod) => pod.node !== node || !ids.has(pod.containerId));
      });
      await untilWhole(cluster, expected);
      if ((await fixedAddresses(cluster)) !== fixed) throw new Error('the StatefulSet has other addresses');
    },
  );
  await outcomes.check(
    'a drained node has no NIC and no object of ours, and its pods run elsewhere',
    async () => {
      const fixed = await fixedAddresses(cluster);
      await cluster.kubectl(['drain', node, '--ignore-daemonsets', '--timeout=60s']);
      const pods = await untilWhole(cluster, expected);
      if (pods.some((pod) => pod.node === node)) throw new Error(`a pod is still on ${node}`);
      await cluster.kubectl(['uncordon', node]);
      if ((await fixedAddresses(cluster)) !== fixed) throw new Error('the StatefulSet has other addresses');
    },
  );
  await outcomes.check('those pods leave nothing', async () => {
    await cluster.kubectl(['delete', 'deployment/lives', 'statefulset/fixed', '--cascade=foreground']);
    await untilNothingLeft(cluster);
    await cluster.kubectl(['delete', 'spiderippool', 'second-v4', 'second-v6', '--timeout=60s']);
    await cluster.kubectl(['delete', '-n', 'kube-system', 'spidermultusconfig', 'macvlan-second']);
  });
}

async function fixedAddresses(cluster: Cluster): Promise<string> {
  const { items } = (await cluster.get('pods', '-l', 'app=fixed')) as {
    items: { metadata: { uid: string } }[];
  };
  const uids = items.map(({ metadata }) => metadata.uid);
  const held = (await allocations(cluster)).filter(({ podUid }) => uids.includes(podUid));
  return held
    .map(({ address }) => address)
    .toSorted()
    .join();
}
