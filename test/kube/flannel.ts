// flannel on a running cluster: flanneld on each node, VXLAN between the nodes, a bridge on each.

import { join } from 'node:path';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { configureMultus, linkPlugins, type OverlayNetwork, untilNodesReady } from './overlay-network.ts';

const network = {
  Network: '10.244.0.0/16',
  EnableIPv6: true,
  IPv6Network: 'fd00:10:244::/48',
  EnableNFTables: false,
  Backend: { Type: 'vxlan' },
};

export class Flannel implements OverlayNetwork {
  readonly name = 'flannel';
  /** The folder with flanneld and flannel. */
  readonly #programs: string;

  constructor(programs: string) {
    this.#programs = programs;
  }

  async install(cluster: Cluster): Promise<void> {
    for (const [i, node] of nodeNames.entries()) {
      const podCIDRs = [`10.244.${i + 1}.0/24`, `fd00:10:244:${i + 1}::/64`];
      const spec = { podCIDR: podCIDRs[0], podCIDRs };
      await cluster.kubectl(['patch', 'node', node, '-p', JSON.stringify({ spec })]);
    }
    // As in flannel's own manifest, from which its pods have their file.
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-flannel' } };
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-flannel-cfg', namespace: 'kube-flannel' },
      data: { 'net-conf.json': JSON.stringify(network) },
    };
    for (const object of [namespace, config]) {
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(object));
    }
    await Promise.all(nodeNames.map((node) => this.#startNode(cluster, node)));
    await untilNodesReady(cluster);
  }

  async #startNode(cluster: Cluster, node: NodeName): Promise<void> {
    await cluster.node(node, ['mkdir', '-p', '/etc/kube-flannel', '/run/flannel']);
    const netConf = '/etc/kube-flannel/net-conf.json';
    await cluster.node(node, ['sh', '-c', `cat >${netConf}`], { input: JSON.stringify(network) });
    await linkPlugins(cluster, node, { flannel: join(this.#programs, 'flannel') });
    const argv = [
      join(this.#programs, 'flanneld'),
      `${home}/pki/admin.kubeconfig`,
      netConf,
      'eth0',
      '/run/flannel/subnet.env',
    ];
    await cluster.startOnNode(node, argv, { env: { NODE_NAME: node } });
    await until(`flanneld of ${node} has its subnet`, 90, async () => {
      await cluster.node(node, ['test', '-s', '/run/flannel/subnet.env']);
      return true;
    });
    await configureMultus(cluster, node, {
      name: 'default',
      plugins: [
        { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    });
  }
}
