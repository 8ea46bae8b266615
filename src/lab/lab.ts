// The lab from its first mount to its last line. `orbctl lab` runs it as process 1 of its namespaces.

import { mkdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EndpointSlice, Service } from '#api';
import { type Clock, isOrbError, type Logger, OrbError } from '#base';
import { primeThreads } from '#kernel';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import type { World } from '#plan/trace';
import { type LabNode, labNodes } from './addressing.ts';
import { configureNetworks, installKinds, registerAgents, registerNodes } from './cluster-objects.ts';
import { run } from './command.ts';
import { applyAll } from './kubectl.ts';
import { listenOnNodes } from './listeners.ts';
import { LAB_FOLDER, mountLab, mountNode } from './mounts.ts';
import { type LabNamespace, labNamespaces } from './namespaces.ts';
import { makeNodeCgroups, type NodeSockets, nodeSockets } from './node-cgroups.ts';
import {
  NAT_OUTGOING,
  OVERLAY_NETWORK_NAME,
  OVERLAY_PLUGIN,
  OVERLAY_PLUGIN_TYPE,
  overlayNetwork,
} from './overlay.ts';
import { podRecordsIn, readPodRecords } from './pod-record.ts';
import {
  AGENT_CONFIG_PATH,
  agentConfig,
  agentName,
  apiServerProgram,
  COMMIT_PORT,
  clusterPrograms,
  nodePrograms,
  type ProgramFacts,
} from './programs.ts';
import { Progress, type Screen } from './progress.ts';
import { binFolder, kubeconfigPath, labFile } from './running-labs.ts';
import { HOST_LISTENER_FD, type InnerOptions, JSON_FD } from './sandbox.ts';
import { awaitRules, loadRules, ServiceProxy } from './services/index.ts';
import { Supervisor } from './supervisor.ts';
import { buildTopology, inNetnsOf } from './topology.ts';
import {
  awaitCluster,
  awaitRollout,
  branchPlace,
  howToLookAround,
  labFacts,
  machinePlaces,
  placesText,
  type Rollout,
  type Trial,
} from './trial/index.ts';
import { trialOf } from './trials.ts';

export interface LabParts extends ProgramFacts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly screen: Screen;
  /** Reads these namespaces, for a trace. */
  readonly see: (client: KubeClient, places: readonly LabNamespace[]) => Promise<World>;
  /** Folder of the manifests to apply. */
  readonly manifests: string;
  /** The signal that ends the lab. */
  readonly stop: AbortSignal;
}

const PLUGINS_OF_DEBIAN = '/usr/lib/cni';
const ROLLOUT_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 60_000;

/** Runs the lab and resolves with the exit code. It is 0 only if every cell of the table is as expected. */
export async function runLab(options: InnerOptions, parts: LabParts): Promise<number> {
  const lab = new Lab(options, parts);
  try {
    return await lab.run();
  } finally {
    await lab.stop();
  }
}

function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

class Lab {
  readonly #options: InnerOptions;
  readonly #parts: LabParts;
  readonly #progress: Progress;
  readonly #nodes: LabNode[];
  readonly #probe: string;
  readonly #trial: Trial;
  #supervisor: Supervisor | undefined;
  #proxy: ServiceProxy | undefined;

  constructor(options: InnerOptions, parts: LabParts) {
    this.#options = options;
    this.#parts = parts;
    this.#progress = new Progress(parts.screen, parts.clock);
    // Every second node has strict rp_filter, so that each path is tried from and to both sorts.
    const rpFilterOf = (number: number) => (options.matrix !== undefined && number % 2 === 1 ? 1 : 0);
    this.#nodes = labNodes(options.nodes, rpFilterOf);
    this.#trial = trialOf(options, this.#nodes);
    this.#probe = join(parts.programs, 'lab-probe');
  }

  async run(): Promise<number> {
    const { once, json, full } = this.#options;
    const progress = this.#progress;
    const hostPid = readlinkSync('/proc/self'); // This is read before /proc is the lab's own.
    await primeThreads();
    await progress.step('network', 'LAN, router, client and nodes', () => this.#network());
    const client = await progress.step('apiserver', 'API server', () => this.#apiServer());
    await progress.step('cluster', 'kinds and nodes', () => this.#cluster(client));
    await progress.step('programs', 'agents, kubelets, controllers, Service proxy', () =>
      this.#startPrograms(client),
    );
    const { manifest, objects } = this.#trial;
    const applied = manifest === undefined ? '' : ` -f examples/${manifest}`;
    const files = manifest === undefined ? [] : [join(this.#parts.manifests, manifest)];
    await progress.step('apply', `kubectl apply${applied}`, () =>
      applyAll(files, objects, this.#parts.environment),
    );
    const rollout = await progress.step('pods', 'pods', (detail) => this.#rollout(client, detail));
    const records = readPodRecords(podRecordsIn(LAB_FOLDER));
    const outcome = await progress.step('table', 'every pair tried', (detail) =>
      this.#trial.run({
        ...rollout,
        nodes: this.#nodes,
        records,
        probe: this.#probe,
        cgroupOf: (node) => this.#sockets(node)?.cgroup,
        stopAgents: () => this.#stopAgents(),
        view: { full, paint: this.#parts.screen.paint },
        serve: (services, slices) => this.#serve(services, slices),
        see: () => this.#see(client),
        detail,
      }),
    );
    progress.say(`\n${full ? `${placesText(outcome)}\n\n` : ''}${outcome.text.trimEnd()}`);
    if (json !== undefined) {
      writeFileSync(JSON_FD, `${JSON.stringify(labFacts(progress.timingsMs, outcome), null, 2)}\n`);
    }
    if (!once) {
      progress.say(howToLookAround(hostPid, outcome));
      await aborted(AbortSignal.any([this.#parts.stop, this.#parts.screen.closed]));
    }
    const { cells, faults = [] } = outcome;
    return cells.length > 0 && cells.every(({ ok }) => ok) && faults.length === 0 ? 0 : 1;
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    await this.#supervisor?.stop();
  }

  async #network(): Promise<void> {
    mountLab();
    if (this.#options.service === 'ebpf') makeNodeCgroups(this.#options.owner, this.#nodes);
    this.#writeOrbctl();
    buildTopology(this.#nodes, this.#trial);
    await Promise.all(this.#nodes.map((node) => this.#node(node)));
    const supervisor = new Supervisor({
      clock: this.#parts.clock,
      logFolder: join(LAB_FOLDER, 'log'),
      say: (line) => this.#progress.say(line),
    });
    this.#supervisor = supervisor;
    const machines = [...machinePlaces(this.#nodes, this.#probe), branchPlace(this.#probe)];
    for (const { name, port, probe } of machines) {
      supervisor.start({ name: `server-${name}`, argv: [...probe, 'serve', String(port)] });
    }
  }

  /** Writes the command `orbctl`, which works in all places of the lab and, through /proc, outside of it. */
  #writeOrbctl(): void {
    const { node, programs } = this.#parts;
    mkdirSync(binFolder);
    const script = `#!/bin/sh\nexec '${node}' '${join(programs, 'orbctl.mjs')}' "$@"\n`;
    writeFileSync(join(binFolder, 'orbctl'), script, { mode: 0o755 });
  }

  /** Undefined if no sockets are served. */
  #sockets(node: string): NodeSockets | undefined {
    const { service, owner } = this.#options;
    return service === 'ebpf' ? nodeSockets(owner, node) : undefined;
  }

  async #node(node: LabNode): Promise<void> {
    await mountNode(node, {
      files: {
        [`/opt/cni/bin/${OVERLAY_PLUGIN_TYPE}`]: { text: OVERLAY_PLUGIN, mode: 0o755 },
        [AGENT_CONFIG_PATH]: { text: agentConfig({ ...this.#options, sockets: this.#sockets(node.name) }) },
        [`/etc/cni/net.d/10-${OVERLAY_NETWORK_NAME}.conflist`]: { text: overlayNetwork(node) },
      },
      pluginFolders: [PLUGINS_OF_DEBIAN],
    });
    await run({ argv: inNetnsOf(node.name, 'nft', '-f', '-'), input: NAT_OUTGOING });
  }

  /**
   * Starts the API server. It listens on the loopback of the machine and of each node, at the same address everywhere. Pods reach it at the
   * first node's address, through the Service kubernetes.
   */
  async #apiServer(): Promise<KubeClient> {
    const { apiPort } = this.#options;
    const forPods = this.#nodes[0]?.address[4] ?? '';
    const listeners = listenOnNodes(this.#nodes, apiPort, [forPods]);
    this.#supervisor?.start(
      apiServerProgram(this.#parts, apiPort, [HOST_LISTENER_FD, ...listeners], forPods),
    );
    return await this.#connected();
  }

  /** Resolves with a client when the API server has written its kubeconfig and answers. */
  async #connected(): Promise<KubeClient> {
    const { clock, log, stop } = this.#parts;
    const deadline = clock.monotonic() + START_TIMEOUT_MS;
    for (;;) {
      try {
        readFileSync(kubeconfigPath);
        return connect(kubeconfigFile(kubeconfigPath), { log });
      } catch (error) {
        if (clock.monotonic() > deadline) {
          const message = `the API server did not start in ${START_TIMEOUT_MS / 1000} s`;
          throw new OrbError('LAB_STEP_FAILED', { message, said: this.#logTail('apiserver'), cause: error });
        }
      }
      await clock.sleep(20, stop);
    }
  }

  async #cluster(client: KubeClient): Promise<void> {
    await installKinds(client);
    const objects = [configureNetworks(client), registerNodes(client, this.#nodes), registerAgents(client)];
    await Promise.all(objects);
    // The file must appear complete, because `orbctl lab` of any other lab reads it.
    writeFileSync(`${labFile}.new`, JSON.stringify(this.#nodes.map(({ name }) => name)));
    renameSync(`${labFile}.new`, labFile);
  }

  async #stopAgents(): Promise<void> {
    const supervisor = this.#supervisor;
    if (supervisor === undefined) return;
    await Promise.all(this.#nodes.map(({ name }) => supervisor.end(agentName(name))));
  }

  async #startPrograms(client: KubeClient): Promise<void> {
    const { clock, log, stop } = this.#parts;
    const ofNodes = this.#nodes.flatMap(({ name }) => nodePrograms(this.#parts, name, this.#sockets(name)));
    const ofCluster = clusterPrograms(this.#parts, listenOnNodes(this.#nodes, COMMIT_PORT));
    for (const program of [...ofCluster, ...ofNodes]) this.#supervisor?.start(program);
    this.#proxy = new ServiceProxy({
      client,
      clock,
      log,
      nodes: this.#nodes.map(({ name }) => name),
      load: this.#options.kubeProxy ? loadRules : (node, fronts) => awaitRules(node, fronts, clock),
    });
    this.#proxy.start();
    await awaitCluster({ client, clock, nodeCount: this.#nodes.length, timeoutMs: START_TIMEOUT_MS, stop });
  }

  async #rollout(client: KubeClient, detail: (text: string) => void): Promise<Rollout> {
    const { clock, stop } = this.#parts;
    const limits = { timeoutMs: ROLLOUT_TIMEOUT_MS, stop };
    const rollout = await awaitRollout({ client, clock, nodeCount: this.#nodes.length, detail, ...limits });
    await this.#awaitEndpoints(rollout.endpoints);
    return rollout;
  }

  /** Resolves when the Service proxy of every node has this number of endpoints. */
  async #awaitEndpoints(count: number): Promise<void> {
    const { clock, stop } = this.#parts;
    const deadline = clock.monotonic() + START_TIMEOUT_MS;
    while ((this.#proxy?.endpoints() ?? 0) < count) {
      if (clock.monotonic() > deadline) {
        const message = `the Services have ${this.#proxy?.endpoints()} of ${count} endpoints`;
        throw new OrbError('LAB_STEP_FAILED', { message, said: this.#logTail('controllers') });
      }
      await clock.sleep(20, stop);
    }
    await this.#proxy?.settled();
  }

  async #serve(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void> {
    const before = this.#proxy?.endpoints() ?? 0;
    await applyAll([], [...services, ...slices], this.#parts.environment);
    await this.#awaitEndpoints(before + slices.flatMap(({ endpoints }) => endpoints ?? []).length);
  }

  #see(client: KubeClient): Promise<World> {
    const nodes = this.#nodes.map(({ name }) => name);
    const pods = readPodRecords(podRecordsIn(LAB_FOLDER));
    return this.#parts.see(client, labNamespaces({ pid: process.pid, nodes, pods }));
  }

  #logTail(name: string): string {
    try {
      const text = readFileSync(this.#supervisor?.logOf(name) ?? '', 'utf8');
      return text.trim().split('\n').slice(-5).join('\n');
    } catch (error) {
      return isOrbError(error) ? error.message : String(error);
    }
  }
}
