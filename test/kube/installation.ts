// Orbweaver on a cluster: its kinds, its controller, an underlay, and an agent and a server on each node.

import { join } from 'node:path';
import { type AgentSettings, Agents } from './agents.ts';
import { type Cluster, nodeNames } from './cluster.ts';
import { Controller } from './controller.ts';
import { serverPort } from './places.ts';
import { expectNoRefusal } from './rights.ts';

export class Installation {
  readonly agents: Agents;
  readonly controller: Controller;
  readonly #cluster: Cluster;
  /** The checkout. */
  readonly #root: string;

  constructor(cluster: Cluster, root: string, settings: AgentSettings = {}) {
    this.agents = new Agents(cluster, root, settings);
    this.controller = new Controller(cluster, root);
    this.#cluster = cluster;
    this.#root = root;
  }

  /** Our program that sends and answers test packets. */
  get probe(): string {
    return join(this.#root, 'dist/lab-probe');
  }

  /** Our command line. */
  get orbctl(): readonly string[] {
    return [process.execPath, join(this.#root, 'dist/orbctl.mjs')];
  }

  /** Applies a manifest of the checkout. */
  async apply(file: string): Promise<void> {
    await this.#cluster.apply(join(this.#root, file));
  }

  /** Installs our kinds as a user does who wants no program to do it. */
  async installKinds(): Promise<void> {
    await this.#cluster.kubectl(['apply', '-f', join(this.#root, 'deploy/crds')]);
    await this.#cluster.kubectl(['wait', '--for=condition=Established', '--timeout=120s', 'crd', '--all']);
  }

  /** Makes the underlay's pools, the coordinator and the definition of a network. */
  async makeUnderlay(): Promise<void> {
    await this.apply('test/kube/manifests/multus-rbac.yaml');
    await this.apply('test/kube/manifests/underlay.yaml');
  }

  /** Makes another network on the LAN, with addresses for hundreds of pods. The hub is its router. */
  async makeManyAddresses(): Promise<void> {
    for (const address of ['192.168.128.1/20', 'fd00:192:168:80::1/64']) {
      await this.#cluster.hub(['ip', 'addr', 'add', address, 'dev', 'lan']);
    }
    await this.apply('test/kube/manifests/many-addresses.yaml');
  }

  /** Starts the agents, and the servers of {@link startServers}. */
  async startAgents(): Promise<void> {
    await this.agents.prepare();
    await this.agents.startAll();
    await this.startServers();
  }

  /** Starts the servers that pods reach on their nodes. */
  async startServers(): Promise<void> {
    await Promise.all(
      nodeNames.map((node) => this.#cluster.startOnNode(node, [this.probe, 'serve', String(serverPort)])),
    );
  }

  /** Every request of our programs was allowed, and they logged no error. */
  async expectNoFaults(): Promise<void> {
    await this.agents.expectCleanLogs();
    await this.controller.expectCleanLog();
    await expectNoRefusal(this.#cluster);
  }
}
