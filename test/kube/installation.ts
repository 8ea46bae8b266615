// Orbweaver on a cluster: its kinds, an underlay, and an agent and a server on each node.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agents } from './agents.ts';
import { type Cluster, nodeNames } from './cluster.ts';
import { serverPort } from './places.ts';

export class Installation {
  readonly agents: Agents;
  readonly #cluster: Cluster;
  /** The checkout. */
  readonly #root: string;

  constructor(cluster: Cluster, root: string) {
    this.agents = new Agents(cluster, root);
    this.#cluster = cluster;
    this.#root = root;
  }

  /** Our program that sends and answers test packets. */
  get probe(): string {
    return join(this.#root, 'dist/lab-probe');
  }

  async apply(file: string): Promise<void> {
    await this.#cluster.kubectl(['apply', '-f', '-'], readFileSync(join(this.#root, file), 'utf8'));
  }

  async installKinds(): Promise<void> {
    await this.#cluster.kubectl(['apply', '-f', join(this.#root, 'deploy/crds')]);
    await this.#cluster.kubectl(['wait', '--for=condition=Established', '--timeout=120s', 'crd', '--all']);
    await this.apply('test/kube/manifests/multus-rbac.yaml');
    await this.apply('test/kube/manifests/underlay.yaml');
    // A controller will find this out itself, once there is one.
    const status = {
      phase: 'Synced',
      overlayPodCIDR: ['10.244.0.0/16', 'fd00:10:244::/48'],
      serviceCIDR: ['10.96.0.0/16', 'fd00:10:96::/112'],
    };
    const patch = ['patch', 'spidercoordinator', 'default', '--subresource=status', '--type=merge', '-p'];
    await this.#cluster.kubectl([...patch, JSON.stringify({ status })]);
  }

  /** Starts the agents, and the servers that the pods reach on their nodes. */
  async startAgents(): Promise<void> {
    await this.agents.prepare();
    await this.agents.startAll();
    await Promise.all(
      nodeNames.map((node) => this.#cluster.startOnNode(node, [this.probe, 'serve', String(serverPort)])),
    );
  }
}
