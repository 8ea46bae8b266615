// What all real overlays share: their programs on the nodes, and the CNI configuration that Multus delegates to.

import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';

/** A real overlay. It is installed on a running cluster that has none. */
export interface OverlayNetwork {
  readonly name: string;
  /** Resolves when the nodes are Ready. */
  install(cluster: Cluster): Promise<void>;
}

/** Installs plugins in the folder where the runtime looks for them. */
export async function linkPlugins(
  cluster: Cluster,
  node: NodeName,
  plugins: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, program] of Object.entries(plugins)) {
    await cluster.node(node, ['ln', '-sf', program, `/opt/cni/bin/${name}`]);
  }
}

/**
 * Multus, with the overlay's plugins inline as the default network. With a network in a file, Multus 4.2.3 would give DEL a
 * configuration without the address ranges.
 */
export async function configureMultus(
  cluster: Cluster,
  node: NodeName,
  delegate: Readonly<Record<string, unknown>>,
): Promise<void> {
  await writeMultusConf(cluster, node, {
    cniVersion: '0.3.1',
    delegates: [{ cniVersion: '0.3.1', ...delegate }],
  });
}

/** `networks` are the keys of Multus that say which networks pods get. */
export async function writeMultusConf(
  cluster: Cluster,
  node: NodeName,
  networks: Readonly<Record<string, unknown>>,
): Promise<void> {
  const conf = {
    name: 'multus',
    type: 'multus',
    kubeconfig: `${home}/pki/multus.kubeconfig`,
    // Without it the runtime tells Multus no ports, and its portmap none.
    capabilities: { portMappings: true },
    retryDeleteOnError: true,
    logFile: '/var/log/multus.log',
    logLevel: 'verbose',
    ...networks,
  };
  const write = ['sh', '-c', 'cat >/etc/cni/net.d/00-multus.conf'];
  await cluster.node(node, write, { input: JSON.stringify(conf) });
}

export async function untilNodesReady(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=180s', 'node', ...nodeNames]);
}
