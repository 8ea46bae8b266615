// Our agent on each node, as a DaemonSet would run it, with only the rights of its service account.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';

const healthPort = 5710;
const kubeconfig = `${home}/agent.kubeconfig`;
const configFile = `${home}/conf.yml`;

/** The agent must not change sysctls, because some belong to the whole machine. */
const config = 'enableIPv4: true\nenableIPv6: true\ntuneSysctlConfig: false\n';

export class Agents {
  readonly #cluster: Cluster;
  /** The checkout: dist/ with the programs, and the Node packages that they load. */
  readonly #root: string;
  readonly #running = new Map<NodeName, ChildProcess>();

  constructor(cluster: Cluster, root: string) {
    this.#cluster = cluster;
    this.#root = root;
  }

  /** Applies the agent's rights, and makes its kubeconfig with a token of its service account. */
  async prepare(): Promise<void> {
    await this.#cluster.kubectl(
      ['apply', '-f', '-'],
      readFileSync(join(this.#root, 'deploy/agent-rbac.yaml'), 'utf8'),
    );
    const token = await this.#cluster.kubectl(['create', 'token', 'orbweaver-agent', '-n', 'kube-system']);
    const document = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: { server: 'https://172.30.0.1:6443', 'certificate-authority': `${home}/pki/ca.crt` },
        },
      ],
      users: [{ name: 'agent', user: { token: token.trim() } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'agent' } }],
      'current-context': 'c',
    };
    await this.#write(kubeconfig, JSON.stringify(document));
    await this.#write(configFile, config);
  }

  async startAll(): Promise<void> {
    await Promise.all(nodeNames.map((node) => this.start(node)));
  }

  /** Resolves when the agent is ready for new pods. */
  async start(node: NodeName): Promise<void> {
    const dist = join(this.#root, 'dist');
    const argv = [
      ...['env', 'MALLOC_ARENA_MAX=2', process.execPath, '--max-semi-space-size=2'],
      ...[join(dist, 'agent.mjs'), '--node-name', node],
      ...['--kubeconfig', kubeconfig, '--config-path', configFile, '--health-port', String(healthPort)],
      ...['--install-from', join(dist, 'ow-cni'), '--install-to', '/opt/cni/bin'],
    ];
    const script = `echo $$ >${home}/${node}/agent.pid; exec "$@" >>${home}/log/${node}-agent.log 2>&1`;
    const [enter, ...rest] = this.#cluster.entering(node);
    const child = spawn(enter, [...rest, 'sh', '-c', script, 'sh', ...argv], { stdio: 'ignore' });
    this.#running.set(node, child);
    const url = `http://127.0.0.1:${healthPort}/readyz`;
    await until(`agent of ${node} is ready`, 60, async () => {
      if (child.exitCode !== null)
        throw new Error(`it ended with ${child.exitCode}: ${await this.log(node)}`);
      await this.#cluster.node(node, ['busybox', 'wget', '-q', '-O', '-', url]);
      return true;
    });
  }

  /** Sends a signal to the agent, and waits until it has ended. */
  async stop(node: NodeName, signal: 'TERM' | 'KILL'): Promise<void> {
    const child = this.#running.get(node);
    if (child === undefined) throw new Error(`no agent runs on ${node}`);
    const ended = once(child, 'exit');
    const pid = await this.#cluster.node(node, ['cat', `${home}/${node}/agent.pid`]);
    await this.#cluster.node(node, ['kill', `-${signal}`, pid.trim()]);
    await ended;
    this.#running.delete(node);
    if (signal === 'TERM' && child.exitCode !== 0) {
      throw new Error(`agent of ${node} ended with ${child.exitCode ?? child.signalCode} after SIGTERM`);
    }
  }

  /** The agent's log since the start of the cluster. */
  log(node: NodeName): Promise<string> {
    return this.#cluster.node(node, ['cat', `${home}/log/${node}-agent.log`]);
  }

  #write(path: string, text: string): Promise<string> {
    return this.#cluster.hub(['sh', '-c', `umask 077; cat >${path}`], { input: text });
  }
}
