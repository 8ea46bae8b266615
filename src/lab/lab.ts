// The lab from its first mount to its last line: what `orbctl lab` runs as process 1 of its namespaces.

import { mkdirSync, readFileSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, isOrbError, type Logger, OrbError } from '#base';
import { listenInNetns, openNetns, primeThreads } from '#kernel';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import { bothFamilies, type LabNode, labNodes, serviceCidr } from './addressing.ts';
import { castOf, machinePlaces } from './cast.ts';
import { type Cast, plannedCells } from './cells.ts';
import { installKinds, makeCoordinator, registerNodes } from './cluster-objects.ts';
import { run } from './command.ts';
import { labFolder, mountLab, mountNode, onNode } from './mounts.ts';
import {
  natOutgoing,
  overlayNetwork,
  overlayNetworkName,
  overlayPlugin,
  overlayPluginType,
} from './overlay.ts';
import { podRecordsIn, readPodRecords } from './pod-record.ts';
import { askByProbe } from './prober.ts';
import { Progress, type Screen } from './progress.ts';
import { awaitRollout, type Rollout } from './rollout.ts';
import { kubeconfigPath, labFile, pathInside } from './running-labs.ts';
import { hostListenerFd, type InnerOptions, jsonFd } from './sandbox.ts';
import { ServiceProxy } from './service-proxy.ts';
import { Supervisor } from './supervisor.ts';
import { type Cell, tryCells } from './table.ts';
import { tableText } from './table-text.ts';
import { buildTopology, inNetnsOf } from './topology.ts';

export interface LabParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly screen: Screen;
  readonly environment: NodeJS.ProcessEnv;
  /** The Node.js executable. */
  readonly node: string;
  /** Folder of the built programs. */
  readonly programs: string;
  /** The manifests to apply. */
  readonly manifests: string;
  /** Ends the lab. */
  readonly stop: AbortSignal;
}

const pluginsOfDebian = '/usr/lib/cni';
const rolloutTimeoutMs = 60_000;
const startTimeoutMs = 15_000;

/** Runs the lab and resolves with the exit code: 0 only if every cell of the table is as expected. */
export async function runLab(options: InnerOptions, parts: LabParts): Promise<number> {
  const lab = new Lab(options, parts);
  try {
    return await lab.run();
  } finally {
    await lab.stop();
  }
}

class Lab {
  readonly #options: InnerOptions;
  readonly #parts: LabParts;
  readonly #progress: Progress;
  readonly #nodes: LabNode[];
  readonly #probe: string;
  #supervisor: Supervisor | undefined;
  #proxy: ServiceProxy | undefined;

  constructor(options: InnerOptions, parts: LabParts) {
    this.#options = options;
    this.#parts = parts;
    this.#progress = new Progress(parts.screen, parts.clock);
    this.#nodes = labNodes(options.nodes);
    this.#probe = join(parts.programs, 'lab-probe');
  }

  async run(): Promise<number> {
    const { once, json } = this.#options;
    const progress = this.#progress;
    const hostPid = readlinkSync('/proc/self'); // before /proc is the lab's own
    await primeThreads();
    const dropInvalid = await progress.step('network', 'LAN, router, client and nodes', () =>
      this.#network(),
    );
    const client = await progress.step('apiserver', 'API server', () => this.#apiServer());
    await progress.step('cluster', 'kinds and nodes', () => this.#cluster(client));
    await progress.step('programs', 'agents, kubelets, controllers, Service proxy', () =>
      this.#startPrograms(client, dropInvalid),
    );
    await progress.step('apply', `kubectl apply -f ${this.#parts.manifests}`, () => this.#apply());
    const rollout = await progress.step('pods', 'pods', (detail) => this.#rollout(client, detail));
    const cast = castOf({
      ...rollout,
      nodes: this.#nodes,
      records: readPodRecords(podRecordsIn(labFolder)),
      probe: this.#probe,
      dropInvalid,
    });
    const cells = await progress.step('table', 'every pair tried', () =>
      tryCells(plannedCells(cast), askByProbe),
    );
    this.#show(cast, cells);
    if (json !== undefined) writeSync(jsonFd, `${JSON.stringify(this.#facts(cast, cells), null, 2)}\n`);
    if (!once) {
      this.#tellHow(hostPid, cast);
      await new Promise((resolve) => this.#parts.stop.addEventListener('abort', resolve, { once: true }));
    }
    return cells.length > 0 && cells.every(({ ok }) => ok) ? 0 : 1;
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    await this.#supervisor?.stop();
  }

  /** Mounts and topology; resolves with whether the nodes' proxies drop INVALID packets. */
  async #network(): Promise<boolean> {
    mountLab();
    buildTopology(this.#nodes);
    await Promise.all(this.#nodes.map((node) => this.#node(node)));
    const supervisor = new Supervisor({
      clock: this.#parts.clock,
      logFolder: join(labFolder, 'log'),
      say: (line) => this.#progress.say(line),
    });
    this.#supervisor = supervisor;
    for (const { name, port, probe } of machinePlaces(this.#nodes, this.#probe)) {
      supervisor.start({ name: `server-${name}`, argv: [...probe, 'serve', String(port)] });
    }
    const liberal = await run({
      argv: inNetnsOf('node1', 'cat', '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'),
    });
    return liberal.trim() !== '1';
  }

  async #node(node: LabNode): Promise<void> {
    await mountNode(node, {
      files: {
        [`/opt/cni/bin/${overlayPluginType}`]: { text: overlayPlugin, mode: 0o755 },
        [`/etc/cni/net.d/10-${overlayNetworkName}.conflist`]: { text: overlayNetwork(node) },
      },
      pluginFolders: [pluginsOfDebian],
    });
    await run({ argv: inNetnsOf(node.name, 'nft', '-f', '-'), input: natOutgoing });
  }

  /** The API server listens in the lab, on the machine's loopback and on each node's: everywhere at the same address. */
  async #apiServer(): Promise<KubeClient> {
    const { apiPort } = this.#options;
    const listeners = this.#nodes.map(({ name }) => {
      using netns = openNetns(`/run/netns/${name}`);
      return listenInNetns(netns, '127.0.0.1', apiPort);
    });
    const descriptors = [hostListenerFd, ...listeners];
    const data = join(labFolder, 'apiserver');
    this.#supervisor?.start({
      name: 'apiserver',
      argv: [
        ...this.#program('apiserver'),
        ...['--data-dir', data, '--token-file', join(data, 'token'), '--kubeconfig', kubeconfigPath],
        ...[
          '--listen',
          `127.0.0.1:${apiPort}`,
          '--service-cidr',
          bothFamilies.map((f) => serviceCidr[f]).join(','),
        ],
        ...descriptors.flatMap((_, i) => ['--listen-fd', String(i + 3)]),
      ],
      environment: this.#parts.environment,
      descriptors,
    });
    return await this.#connected();
  }

  /** A client, as soon as the API server has written its kubeconfig and answers. */
  async #connected(): Promise<KubeClient> {
    const { clock, log, stop } = this.#parts;
    const deadline = clock.monotonic() + startTimeoutMs;
    for (;;) {
      try {
        readFileSync(kubeconfigPath);
        return connect(kubeconfigFile(kubeconfigPath), { log });
      } catch (error) {
        if (clock.monotonic() > deadline) {
          const message = `the API server did not start in ${startTimeoutMs / 1000} s`;
          throw new OrbError('LAB_STEP_FAILED', { message, said: this.#logTail('apiserver'), cause: error });
        }
      }
      await clock.sleep(20, stop);
    }
  }

  async #cluster(client: KubeClient): Promise<void> {
    await installKinds(client);
    await Promise.all([
      makeCoordinator(client),
      registerNodes(client, this.#nodes, new Date(this.#parts.clock.now()).toISOString()),
    ]);
    writeFileSync(labFile, JSON.stringify(this.#nodes.map(({ name }) => name)));
  }

  #startPrograms(client: KubeClient, dropInvalid: boolean): void {
    const { clock, log, environment, programs } = this.#parts;
    const withApi = { ...environment, KUBECONFIG: kubeconfigPath };
    for (const { name } of this.#nodes) {
      const agent = [
        ...['--node-name', name, '--install-from', join(programs, 'ow-cni'), '--install-to', '/opt/cni/bin'],
        ...['--health-port', '5710'],
      ];
      this.#supervisor?.start({
        name: `agent-${name}`,
        argv: onNode(name, ...this.#program('agent'), ...agent),
        environment: { ...withApi, MULTUS_CLUSTER_NETWORK: overlayNetworkName },
      });
      this.#supervisor?.start({
        name: `kubelet-${name}`,
        argv: onNode(name, ...this.#program('orbctl'), 'lab-kubelet', '--node', name),
        environment: withApi,
      });
    }
    this.#supervisor?.start({
      name: 'controllers',
      argv: [...this.#program('orbctl'), 'lab-controllers'],
      environment: withApi,
    });
    this.#proxy = new ServiceProxy({
      client,
      clock,
      log,
      dropInvalid,
      nodes: this.#nodes.map(({ name }) => name),
      apply: async (node, ruleset) => {
        await run({ argv: inNetnsOf(node, 'nft', '-f', '-'), input: ruleset });
      },
    });
    this.#proxy.start();
  }

  async #apply(): Promise<void> {
    const home = join(labFolder, 'home'); // kubectl's cache stays in the lab
    mkdirSync(home, { recursive: true });
    const environment = { ...this.#parts.environment, KUBECONFIG: kubeconfigPath, HOME: home };
    await run({ argv: ['kubectl', 'apply', '-f', this.#parts.manifests] }, environment);
  }

  async #rollout(client: KubeClient, detail: (text: string) => void): Promise<Rollout> {
    const { clock, stop } = this.#parts;
    const nodeCount = this.#nodes.length;
    const rollout = await awaitRollout({
      client,
      clock,
      nodeCount,
      detail,
      stop,
      timeoutMs: rolloutTimeoutMs,
    });
    const deadline = clock.monotonic() + startTimeoutMs;
    while ((this.#proxy?.endpoints() ?? 0) < rollout.endpoints) {
      if (clock.monotonic() > deadline) {
        const message = `the Services have ${this.#proxy?.endpoints()} of ${rollout.endpoints} endpoints`;
        throw new OrbError('LAB_STEP_FAILED', { message, said: this.#logTail('controllers') });
      }
      await clock.sleep(20, stop);
    }
    await this.#proxy?.settled();
    return rollout;
  }

  #program(name: string): [string, ...string[]] {
    return [this.#parts.node, join(this.#parts.programs, `${name}.mjs`)];
  }

  #logTail(name: string): string {
    try {
      const lines = readFileSync(this.#supervisor?.logOf(name) ?? '', 'utf8')
        .trim()
        .split('\n');
      return lines.slice(-5).join('\n');
    } catch (error) {
      return isOrbError(error) ? error.message : String(error);
    }
  }

  #show({ places }: Cast, cells: readonly Cell[]): void {
    const lines = places.map(
      ({ name, kind, address }) =>
        `${kind.padEnd(13)} ${name.padEnd(40)} ${address[4].padEnd(16)} ${address[6]}`,
    );
    this.#progress.say(['', ...lines, '', tableText(cells)].join('\n'));
  }

  #facts({ places }: Cast, cells: readonly Cell[]): unknown {
    const described = places.map(({ name, kind, node, address }) => ({
      name,
      kind,
      node,
      addresses: [address[4], address[6]],
    }));
    return {
      timingsMs: this.#progress.timingsMs,
      nodes: described.filter(({ kind }) => kind === 'node'),
      pods: described.filter(({ kind }) => kind.endsWith('pod')),
      table: cells,
    };
  }

  #tellHow(hostPid: string, { places }: Cast): void {
    const pod = places[0]?.name.split(' ')[0] ?? 'POD';
    this.#progress.say(
      [
        'The lab runs until Ctrl-C. Look around from another terminal:',
        `  export KUBECONFIG=${pathInside(hostPid, kubeconfigPath)}`,
        '  kubectl get spiderippools; kubectl get pods -o wide',
        '  orbctl lab ls',
        `  orbctl lab exec ${pod} -- ip route      (also: node1, router, client)`,
        `  logs: ${pathInside(hostPid, join(labFolder, 'log'))}`,
        '',
      ].join('\n'),
    );
  }
}
