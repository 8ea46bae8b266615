// Our agent on each node, as a DaemonSet would run it, with only the rights of its service account.

import { join } from 'node:path';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { builtProgram, NodeProgram } from './node-program.ts';
import { writeKubeconfig } from './service-account.ts';

const healthPort = 5710;
const configFile = `${home}/conf.yml`;

/** What a run sets besides. */
export interface AgentSettings {
  /** Keys of the section `orbweaver`. */
  readonly own?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The agent must not change sysctls, because some belong to the whole machine. JSON is YAML. */
const config = ({ hasKubeProxy }: Cluster, own: AgentSettings['own']) =>
  JSON.stringify({
    ...{ enableIPv4: true, enableIPv6: true, enableStatefulSet: true, tuneSysctlConfig: false },
    ...{ enableSpiderSubnet: true, enableAutoPoolForApplication: true },
    orbweaver: { ...(!hasKubeProxy && { kubeProxyReplacement: true, serviceExternalIPs: true }), ...own },
  });

export class Agents {
  readonly #cluster: Cluster;
  /** The checkout: dist/ with the programs, and the Node packages that they load. */
  readonly #root: string;
  readonly #settings: AgentSettings;
  readonly #agents = new Map<NodeName, NodeProgram>();

  constructor(cluster: Cluster, root: string, settings: AgentSettings = {}) {
    this.#cluster = cluster;
    this.#root = root;
    this.#settings = settings;
  }

  /** Applies the agents' rights, and makes a kubeconfig for each with a token of their service account. */
  async prepare(): Promise<void> {
    for (const file of ['agent-rbac', 'agent-admission', 'agent-resources-rbac']) {
      await this.#cluster.apply(join(this.#root, `deploy/${file}.yaml`));
    }
    await this.#cluster.hub(['sh', '-c', `cat >${configFile}`], {
      input: config(this.#cluster, this.#settings.own),
    });
    for (const node of nodeNames) this.#agents.set(node, await this.#agentOf(node));
  }

  async #agentOf(node: NodeName): Promise<NodeProgram> {
    const dist = join(this.#root, 'dist');
    const kubeconfig = await writeKubeconfig(this.#cluster, { account: 'orbweaver-agent', node });
    const variables = Object.entries(this.#settings.environment ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    );
    const argv = [
      ...['env', ...variables],
      ...[...builtProgram(dist, 'agent'), '--node-name', node],
      ...['--kubeconfig', kubeconfig, '--config-path', configFile, '--health-port', String(healthPort)],
      ...['--install-from', join(dist, 'ow-cni'), '--install-to', '/opt/cni/bin'],
    ];
    const readyUrl = `http://127.0.0.1:${healthPort}/readyz`;
    return new NodeProgram({ cluster: this.#cluster, node, name: 'agent', argv, readyUrl });
  }

  async startAll(): Promise<void> {
    await Promise.all(nodeNames.map((node) => this.start(node)));
  }

  /** Resolves when the agent is ready for new pods. */
  async start(node: NodeName): Promise<void> {
    await this.#agent(node).start();
  }

  /** Sends a signal to the agent, and waits until it has ended. */
  async stop(node: NodeName, signal: 'TERM' | 'KILL'): Promise<void> {
    await this.#agent(node).stop(signal);
  }

  async expectCleanLogs(): Promise<void> {
    for (const agent of this.#agents.values()) await agent.expectCleanLog();
  }

  #agent(node: NodeName): NodeProgram {
    const agent = this.#agents.get(node);
    if (agent === undefined) throw new Error(`the agent of ${node} was not prepared`);
    return agent;
  }
}
