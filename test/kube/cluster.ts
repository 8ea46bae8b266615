// Starts a cluster, enters it, and ends it so that nothing remains. hub.sh describes its parts.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CommandOptions, run, until } from './command.ts';

const proxyModes = ['iptables', 'nftables'] as const;

export type ProxyMode = (typeof proxyModes)[number];

export const nodeNames = ['node1', 'node2'] as const;

export type NodeName = (typeof nodeNames)[number];

/** The folder of the cluster in its own namespaces. hub.sh has the same path. */
export const home = '/run/kube';

export interface ClusterParts {
  /** The result of {@link builtPrograms}. */
  readonly programs: string;
  /** The executable of Multus; undefined if somebody else brings Multus. */
  readonly multus: string | undefined;
  /** Archives of images that every node has. The first is the result of {@link writeImage}. */
  readonly images: readonly string[];
  /** Folders that every node can see, besides the machine's root file system. */
  readonly shared: readonly string[];
  /** `none`: no kube-proxy runs, and our agents replace it. */
  readonly proxyMode: ProxyMode | 'none';
  /** An option of hub.sh. With `none`, {@link start} does not wait until the nodes are Ready. */
  readonly overlay: 'routed' | 'none';
}

const startTimeoutMs = 300_000;

export class Cluster {
  readonly #starter: ChildProcess;
  readonly #pid: number;
  readonly #nodePids: Map<string, string>;
  /** Whether the nodes have a kube-proxy. */
  readonly hasKubeProxy: boolean;

  private constructor(
    starter: ChildProcess,
    pid: number,
    nodePids: Map<string, string>,
    hasKubeProxy: boolean,
  ) {
    this.hasKubeProxy = hasKubeProxy;
    this.#starter = starter;
    this.#pid = pid;
    this.#nodePids = nodePids;
  }

  /** Resolves when every node is Ready. */
  static async start({
    programs,
    multus,
    images,
    shared,
    proxyMode,
    overlay,
  }: ClusterParts): Promise<Cluster> {
    sweep();
    const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
    const starter = spawn('unshare', [...namespaces, join(import.meta.dirname, 'hub.sh')], {
      // The hub runs until its standard input closes.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        KUBE_PROGRAMS: programs,
        KUBE_MULTUS: multus ?? '',
        KUBE_IMAGES: images.join('\n'),
        KUBE_PROXY: proxyMode,
        KUBE_OVERLAY: overlay,
        KUBE_SHARED: [...new Set(shared)].join('\n'),
      },
    });
    const said: string[] = [];
    createInterface({ input: starter.stderr }).on('line', (line) => said.push(line));
    let pid = 0;
    let logs = '';
    const giveUp = async () => {
      logs = mkdtempSync(join(tmpdir(), 'orbweaver-kube-logs-'));
      await run(logCopy(pid, logs)).catch((error: unknown) => said.push(String(error)));
      starter.kill('SIGKILL');
    };
    const late = setTimeout(() => void giveUp(), startTimeoutMs);
    for await (const line of createInterface({ input: starter.stdout })) {
      if (line === 'ready') {
        clearTimeout(late);
        const hasKubeProxy = proxyMode !== 'none';
        const hub = new Cluster(starter, pid, new Map(), hasKubeProxy);
        return new Cluster(starter, pid, new Map(await hub.#readNodePids()), hasKubeProxy);
      }
      pid = Number(/^pid (\d+)$/.exec(line)?.[1] ?? pid);
    }
    clearTimeout(late);
    sweep();
    const where = logs === '' ? '' : `; logs: ${logs}`;
    throw new Error(`the cluster ended before it was ready${where}: ${said.slice(-20).join('\n')}`);
  }

  async #readNodePids(): Promise<[string, string][]> {
    return Promise.all(
      nodeNames.map(
        async (node): Promise<[string, string]> => [
          node,
          (await this.hub(['cat', `${home}/${node}/pid`])).trim(),
        ],
      ),
    );
  }

  /** The command that runs a program in the namespaces of the control plane, or of a node. */
  entering(where: 'hub' | NodeName): [string, ...string[]] {
    const enter = (pid: string) => [
      '--target',
      pid,
      '--mount',
      '--net',
      '--uts',
      '--ipc',
      '--pid',
      '--wdns=/',
      '--',
    ];
    const hub: [string, ...string[]] = ['nsenter', ...enter(String(this.#pid))];
    if (where === 'hub') return hub;
    // The pids are those of the hub's pid namespace, so enter the hub first.
    return [...hub, 'nsenter', ...enter(this.#nodePids.get(where) ?? '')];
  }

  get environment(): Record<string, string> {
    return {
      KUBECONFIG: `${home}/pki/admin.kubeconfig`,
      PATH: `${home}/bin:${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
      // Keep the discovery cache out of the machine's home folder.
      KUBECACHEDIR: `${home}/kubectl-cache`,
    };
  }

  hub(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return run([...this.entering('hub'), ...argv], {
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  node(name: NodeName, argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return run([...this.entering(name), ...argv], {
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  kubectl(args: readonly string[], input = ''): Promise<string> {
    return this.hub(['kubectl', ...args], { input });
  }

  /** Applies a manifest of the machine's file system. */
  async apply(path: string): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], readFileSync(path, 'utf8'));
  }

  /** Objects as the API server has them. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of kubectl, read here and there
  async get(...args: string[]): Promise<any> {
    return JSON.parse(await this.kubectl(['get', ...args, '-o', 'json']));
  }

  /** Starts kube-proxy in another mode on every node. Resolves when its rules are there, and those of the previous mode gone. */
  async changeProxyMode(mode: ProxyMode): Promise<void> {
    const script = `sed -i 's/^mode: .*/mode: ${mode}/' /etc/kubernetes/proxy.yaml`;
    await Promise.all(
      nodeNames.map(async (node) => {
        await this.node(node, ['sh', '-c', script]);
        await this.restart(node, 'kube-proxy', 'TERM');
        await until(`${node} has the rules of mode ${mode} alone`, 60, async () => {
          const rules = await this.#proxyRules(node);
          if (rules.join() !== `${mode} ip,${mode} ip6`)
            throw new Error(`it has ${rules.join(', ') || 'none'}`);
          return true;
        });
      }),
    );
  }

  /** The modes and families of kube-proxy whose rules for Services a node has, as `iptables ip6`. */
  async #proxyRules(node: NodeName): Promise<string[]> {
    const tables = await this.node(node, ['nft', 'list', 'tables']);
    const ofFamilies = { ip: 'iptables-save', ip6: 'ip6tables-save' };
    const found = await Promise.all(
      Object.entries(ofFamilies).map(async ([family, save]) => {
        const isThere: Readonly<Record<ProxyMode, boolean>> = {
          iptables: /^-A KUBE-SERVICES /m.test(await this.node(node, [save, '-t', 'nat'])),
          nftables: new RegExp(`^table ${family} kube-proxy$`, 'm').test(tables),
        };
        return proxyModes.filter((mode) => isThere[mode]).map((mode) => `${mode} ${family}`);
      }),
    );
    return found.flat();
  }

  /** Ends a program that hub.sh or node.sh keeps. Resolves when it was started again. */
  async restart(where: 'hub' | NodeName, program: string, signal: 'TERM' | 'KILL'): Promise<void> {
    const before = await this.#pidOf(where, program);
    await this.#in(where, ['kill', `-${signal}`, before]);
    await until(`${program} of ${where} is started again`, 60, async () => {
      return (await this.#pidOf(where, program)) !== before;
    });
  }

  /** Kills a program, and starts it again when the work has ended. */
  async without(where: 'hub' | NodeName, program: string, work: () => Promise<void>): Promise<void> {
    const held = `${this.#folderOf(where)}/${program}.held`;
    await this.#in(where, ['touch', held]);
    try {
      await this.#in(where, ['kill', '-KILL', await this.#pidOf(where, program)]);
      await work();
    } finally {
      await this.#in(where, ['rm', held]);
    }
  }

  #in(where: 'hub' | NodeName, argv: readonly string[]): Promise<string> {
    return where === 'hub' ? this.hub(argv) : this.node(where, argv);
  }

  #folderOf(where: 'hub' | NodeName): string {
    return where === 'hub' ? home : `${home}/${where}`;
  }

  async #pidOf(where: 'hub' | NodeName, program: string): Promise<string> {
    return (await this.#in(where, ['cat', `${this.#folderOf(where)}/${program}.pid`])).trim();
  }

  /** Starts a program on a node. It runs until the cluster ends. */
  async startOnNode(node: NodeName, argv: readonly string[], options: CommandOptions = {}): Promise<void> {
    const log = `${home}/log/${node}-${basename(argv[0] ?? '')}.log`;
    const script = 'log=$1; shift; "$@" </dev/null >"$log" 2>&1 &';
    await this.node(node, ['sh', '-c', script, 'sh', log, ...argv], options);
  }

  /**
   * Ends all processes of a node at once, with its mounts, namespaces and links. Then starts it again: what a machine has
   * on its disk is still there. Resolves when its runtime listens; what runs outside of pods is not started.
   */
  async reboot(node: NodeName): Promise<void> {
    const before = this.#nodePids.get(node);
    this.#starter.stdin?.write(`reboot ${nodeNames.indexOf(node) + 1}\n`);
    await until(`${node} is up again`, 60, async () => {
      const pid = (await this.hub(['cat', `${home}/${node}/pid`])).trim();
      if (pid === before) return false;
      this.#nodePids.set(node, pid);
      await this.node(node, ['test', '-S', '/run/containerd/containerd.sock']);
      return true;
    });
  }

  /** Copies the logs out of the cluster, so that they remain. */
  async saveLogs(folder: string): Promise<void> {
    for (const node of nodeNames) {
      const multus = this.node(node, ['cp', '/var/log/multus.log', `${home}/log/${node}-multus.log`]);
      await multus.catch(() => {}); // no pod was there
    }
    await run(logCopy(this.#pid, folder));
  }

  /** Ends process 1. The kernel then ends every process of the cluster, and removes its mounts, links and rules. */
  async stop(): Promise<void> {
    const ended = once(this.#starter, 'exit');
    process.kill(this.#pid, 'SIGKILL');
    await ended;
    sweep();
  }
}

/** The command that copies the logs out of the namespaces of process 1. */
function logCopy(pid: number, folder: string): [string, ...string[]] {
  return ['cp', '-r', `/proc/${pid}/root${home}/log/.`, folder];
}

/** Only control groups outlive a cluster. This removes those of ended clusters. */
function sweep(): void {
  for (const group of globSync('/sys/fs/cgroup/{,*/}orbweaver-kube-*')) {
    if (existsSync(`/proc/${basename(group).replace('orbweaver-kube-', '')}`)) continue;
    const folders = globSync(`${group}/**/`).toSorted((a, b) => b.length - a.length);
    for (const folder of folders) {
      try {
        rmdirSync(folder);
      } catch (error) {
        // Its last processes are still zombies: the next run removes it.
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      }
    }
  }
}
