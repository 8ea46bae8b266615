// The networks that all pods of the tests are on, and how each is installed on a cluster that has none.

import { Calico } from '../kube/calico.ts';
import { type Cluster, type NodeName, nodeNames } from '../kube/cluster.ts';
import { untilSynced } from '../kube/networks.ts';
import { untilNodesReady, writeMultusConf } from '../kube/overlay-network.ts';
import { allowMultus, installOurs, macvlanPlugins, portmap } from './our-network.ts';

export interface PodNetwork {
  /** As the table of results names it. */
  readonly title: string;
  readonly withMultus: boolean;
  /** Resolves when the nodes are Ready. */
  install(parts: NetworkParts): Promise<void>;
}

export interface NetworkParts {
  readonly cluster: Cluster;
  /** The checkout. */
  readonly root: string;
  /** The folder of what the cluster was built from, with Calico. */
  readonly programs: string;
}

async function writeConf(cluster: Cluster, node: NodeName, plugins: readonly object[]): Promise<void> {
  const conf = { cniVersion: '1.0.0', name: 'default', plugins };
  const write = ['sh', '-c', 'cat >/etc/cni/net.d/50-default.conflist'];
  await cluster.node(node, write, { input: JSON.stringify(conf) });
}

/** The plainest network that there is. */
export const bridge: PodNetwork = {
  title: 'bridge and host-local',
  withMultus: false,
  async install({ cluster }) {
    const ways = nodeNames.map((_, i) => [
      ['route', 'add', `10.244.${i + 1}.0/24`, 'via', `172.30.0.${i + 11}`],
      ['route', 'add', `fd00:10:244:${i + 1}::/64`, 'via', `fd00:172:30::${i + 11}`],
    ]);
    for (const way of ways.flat()) await cluster.hub(['ip', ...way]);
    for (const [i, node] of nodeNames.entries()) {
      for (const way of ways.toSpliced(i, 1).flat()) await cluster.node(node, ['ip', ...way]);
      const ranges = [[{ subnet: `10.244.${i + 1}.0/24` }], [{ subnet: `fd00:10:244:${i + 1}::/64` }]];
      const ipam = { type: 'host-local', ranges, routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }] };
      const plugin = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipam };
      await writeConf(cluster, node, [plugin, portmap]);
    }
    await untilNodesReady(cluster);
  },
};

/** No overlay, no Multus. */
export const underlay: PodNetwork = {
  title: 'our underlay alone',
  withMultus: false,
  async install({ cluster, root }) {
    await installOurs(cluster, root);
    const plugins = [...macvlanPlugins, { type: 'coordinator', mode: 'underlay' }, portmap];
    await Promise.all(nodeNames.map((node) => writeConf(cluster, node, plugins)));
    await untilNodesReady(cluster);
    await untilSynced(cluster, []);
  },
};

/** Our definition is what Multus gives to pods that name none. */
export const multus: PodNetwork = {
  title: 'our underlay as default network of Multus',
  withMultus: true,
  async install({ cluster, root }) {
    await installOurs(cluster, root);
    const networks = { cniVersion: '1.0.0', clusterNetwork: 'default-underlay' };
    await Promise.all(nodeNames.map((node) => writeMultusConf(cluster, node, networks)));
    await untilNodesReady(cluster);
    await untilSynced(cluster, []);
  },
};

/** The place of the control plane is no node of Calico's. It needs routes to the nodes' blocks of addresses. */
async function installCalico(cluster: Cluster, programs: string): Promise<void> {
  await new Calico(programs).install(cluster);
  const each = '{range .items[*]}{.spec.cidr} {.spec.node}{"\\n"}{end}';
  const blocks = await cluster.kubectl(['get', 'blockaffinities', '-o', `jsonpath=${each}`]);
  for (const block of blocks.trim().split('\n')) {
    const [cidr = '', name = ''] = block.split(' ');
    const number = nodeNames.indexOf(name as NodeName) + 11;
    const via = cidr.includes(':') ? `fd00:172:30::${number}` : `172.30.0.${number}`;
    await cluster.hub(['ip', 'route', 'add', cidr, 'via', via]);
  }
}

export const calicoAlone: PodNetwork = {
  title: 'Calico',
  withMultus: true,
  async install({ cluster, root, programs }) {
    await allowMultus(cluster, root);
    await installCalico(cluster, programs);
  },
};

/** Each pod also has a NIC of ours: the network of Calico comes first. */
export const calico: PodNetwork = {
  title: 'Calico, and a second NIC of our underlay',
  withMultus: true,
  async install({ cluster, root, programs }) {
    await installOurs(cluster, root);
    await installCalico(cluster, programs);
    await untilSynced(cluster);
    const plugins = [...macvlanPlugins, { type: 'coordinator', mode: 'overlay' }];
    await Promise.all(nodeNames.map((node) => addDelegate(cluster, node, plugins)));
  },
};

/** All pods get one more network from Multus. */
async function addDelegate(cluster: Cluster, node: NodeName, plugins: readonly object[]): Promise<void> {
  const text = await cluster.node(node, ['cat', '/etc/cni/net.d/00-multus.conf']);
  const conf = JSON.parse(text) as { readonly delegates: readonly object[] };
  const second = { cniVersion: '0.3.1', name: 'underlay', plugins };
  await writeMultusConf(cluster, node, { ...conf, delegates: [...conf.delegates, second] });
}
