// The lab's kubelet: makes the sandboxes of one node match the pods of the API.

import { existsSync } from 'node:fs';
import { type Pod, resources } from '#api';
import { type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import { primeThreads } from '#kernel';
import { EventRecorder, type KubeClient, keyOf, type ObjectChange, Reflector, WorkQueue } from '#kube';
import { removePodRecord, writePodRecord } from '../pod-record.ts';
import { Chain } from './chain.ts';
import { readClusterNetwork } from './conf-folder.ts';
import type { KubeletPaths } from './kubelet-paths.ts';
import type { NodeFacts } from './node-object.ts';
import { NodeReporter } from './node-reporter.ts';
import { pluginRunner } from './plugin.ts';
import { networksOf } from './pod-networks.ts';
import { PodReporter } from './pod-reporter.ts';
import { PodRuns } from './pod-runs.ts';
import { isRunning } from './pod-status.ts';
import { PodProcesses } from './processes.ts';
import { ResultCache } from './result-cache.ts';
import { type Sandbox, SandboxStore } from './sandbox-store.ts';
import { Sandboxes } from './sandboxes.ts';

export interface KubeletOptions {
  readonly node: NodeFacts;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: KubeletPaths;
  /** The environment that plugins and the processes of pods inherit. */
  readonly environment: NodeJS.ProcessEnv;
  /** The namespace in which Multus looks up a bare name of the default-network annotation. The default is kube-system. */
  readonly multusNamespace?: string;
  /** The commands to run in a pod's namespace. The default is none. */
  readonly commandsOf?: (pod: Pod) => readonly (readonly string[])[];
  /** How many pods are processed at once. */
  readonly workers?: number;
  /** The wait between tries of one pod. */
  readonly backOff?: { readonly firstMs: number; readonly maximumMs: number };
}

/** Starts the kubelet of a node. Resolves when it watches its pods. */
export async function runKubelet(options: KubeletOptions): Promise<{ stop(): Promise<void> }> {
  await primeThreads();
  const kubelet = new Kubelet(options);
  await kubelet.start();
  return kubelet;
}

class Kubelet {
  readonly #options: KubeletOptions;
  readonly #chain: Chain;
  readonly #sandboxes: Sandboxes;
  readonly #runs: PodRuns;
  readonly #events: EventRecorder;
  readonly #pods: Reflector<Pod>;
  readonly #queue: WorkQueue;
  readonly #node: NodeReporter;
  readonly #reporter: PodReporter;
  /** Container ids of sandboxes that an earlier kubelet made. */
  readonly #unchecked = new Set<string>();
  #recovered = false;

  constructor(options: KubeletOptions) {
    const { client, clock, log, paths, environment, node } = options;
    this.#options = options;
    const run = pluginRunner({
      folders: paths.pluginFolders,
      environment,
      onStderr: (fields, text) => log.debug(fields, text),
    });
    this.#chain = new Chain(run, new ResultCache(paths.resultFolder));
    this.#sandboxes = new Sandboxes(new SandboxStore(paths.sandboxFolder), this.#chain, paths.netnsFolder);
    this.#node = new NodeReporter({
      facts: node,
      client,
      clock,
      log,
      networkStatus: async () => this.#chain.status(await readClusterNetwork(paths.confFolder)),
    });
    this.#reporter = new PodReporter(client, clock, () => this.#node.addresses);
    this.#runs = new PodRuns({
      processes: new PodProcesses({ clock, log, environment }),
      commandsOf: options.commandsOf,
      onEnd: (pod) => this.#queue.add(keyOf(pod)),
    });
    this.#events = new EventRecorder({ client, clock, log, component: 'kubelet', host: node.name });
    this.#queue = new WorkQueue({
      clock,
      log,
      workers: options.workers ?? 16,
      backOff: options.backOff ?? { firstMs: 500, maximumMs: 10_000 },
      work: (key) => this.#sync(key),
    });
    this.#pods = new Reflector({
      client,
      clock,
      log,
      type: resources.pods,
      selection: { fieldSelector: `spec.nodeName=${node.name}` },
    });
    this.#pods.subscribe((change) => {
      if (this.#recovered && concerns(change)) this.#queue.add(keyOf(change.object));
    });
  }

  async start(): Promise<void> {
    const { log } = this.#options;
    const { store } = this.#sandboxes;
    await store.load((path, error) =>
      log.error({ path, error: errorText(error) }, 'a sandbox record is damaged'),
    );
    await this.#node.start();
    this.#pods.start();
    await this.#pods.ready;
    for (const { containerId } of store.all()) this.#unchecked.add(containerId);
    await this.#collectGarbage();
    this.#recovered = true;
    for (const key of this.#pods.store.keys()) this.#queue.add(key);
    for (const { pod } of store.all()) this.#queue.add(`${pod.namespace}/${pod.name}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#pods.stop(), this.#queue.stop(), this.#node.stop()]);
    this.#runs.stopAll();
    await this.#events.settled();
  }

  /** This runs before the first pod is processed: GC must not run during an ADD. */
  async #collectGarbage(): Promise<void> {
    const { log, paths } = this.#options;
    try {
      const network = await readClusterNetwork(paths.confFolder);
      await this.#chain.gc(network, this.#sandboxes.validAttachments());
    } catch (error) {
      log.warn({ error: errorText(error) }, 'GC of the default network failed');
    }
  }

  /** Runs CHECK once for each sandbox that an earlier kubelet made. Errors are reported, and the pod continues to run. */
  async #checkOnce(pod: Pod, sandbox: Sandbox): Promise<void> {
    if (!this.#unchecked.delete(sandbox.containerId)) return;
    try {
      await this.#sandboxes.check(sandbox);
    } catch (error) {
      this.#warn(pod, 'FailedNetworkCheck', errorText(error));
    }
  }

  #podOf({ pod: { namespace, name, uid } }: Sandbox): Pod | undefined {
    const pod = this.#pods.store.get(name, namespace);
    return pod?.metadata.uid === uid ? pod : undefined;
  }

  /** Processes one pod: removes the sandboxes of earlier pods, then starts, ends or reports this one. */
  async #sync(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = this.#pods.store.get(name, namespace);
    const ends =
      pod === undefined ||
      pod.metadata.deletionTimestamp !== undefined ||
      pod.status?.phase === 'Succeeded' ||
      pod.status?.phase === 'Failed';
    this.#runs.leaveHost(key, ends ? undefined : pod.metadata.uid);
    let running: Sandbox | undefined;
    for (const sandbox of this.#sandboxes.store.of(namespace, name)) {
      const serves = sandbox.ready && sandbox.pod.uid === pod?.metadata.uid && existsSync(sandbox.netns);
      if (!ends && serves) running = sandbox;
      else await this.#remove(sandbox);
    }
    if (pod?.metadata.deletionTimestamp !== undefined) await this.#deletePod(pod);
    else if (pod !== undefined && !ends) await this.#run(pod, running);
  }

  async #remove(sandbox: Sandbox): Promise<void> {
    this.#runs.stop(sandbox);
    try {
      await this.#sandboxes.remove(sandbox);
    } catch (error) {
      const pod = this.#podOf(sandbox);
      const message = `error killing pod: failed to "KillPodSandbox": ${networkFault('destroy', error)}`;
      if (pod !== undefined) this.#warn(pod, 'FailedKillPod', message);
      throw error;
    }
    if (this.#sandboxes.store.of(sandbox.pod.namespace, sandbox.pod.name).length === 0) {
      removePodRecord(this.#options.paths.podRecordFolder, sandbox.pod);
    }
  }

  /** Deletes the pod from the API as the kubelet's last step. The UID protects another pod with the same name. */
  async #deletePod({ metadata: { namespace = '', name = '', uid = '' } }: Pod): Promise<void> {
    try {
      await this.#options.client.delete(resources.pods, { namespace, name }, { uid, gracePeriodSeconds: 0 });
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND') && !isOrbError(error, 'KUBE_CONFLICT')) throw error;
    }
  }

  async #run(pod: Pod, running: Sandbox | undefined): Promise<void> {
    if (pod.spec?.hostNetwork === true) return this.#runOnHost(pod);
    if (running === undefined) return this.#start(pod);
    await this.#checkOnce(pod, running);
    await this.#serve(pod, running);
  }

  async #runOnHost(pod: Pod): Promise<void> {
    const place = this.#runs.onHost(pod);
    const ends = this.#runs.endsOf(place);
    if (ends !== undefined) return this.#reporter.ended(pod, 'host', ends);
    await this.#reporter.running(pod, 'host', this.#node.addresses);
    this.#runs.finish(pod, place);
  }

  /** Lets a pod run after its sandbox is attached. */
  async #serve(pod: Pod, sandbox: Sandbox): Promise<void> {
    this.#runs.keep(pod, sandbox);
    this.#publish(sandbox);
    const ends = this.#runs.endsOf(sandbox);
    if (ends !== undefined) return this.#reporter.ended(pod, sandbox.containerId, ends);
    await this.#report(pod, sandbox);
    // This follows the report, so that a pod is not reported as ended before it is reported as running.
    this.#runs.finish(pod, sandbox);
  }

  async #start(pod: Pod): Promise<void> {
    if (this.#node.problem !== undefined) {
      const message = `network is not ready: ${this.#node.problem}`;
      this.#warn(pod, 'NetworkNotReady', message);
      throw new OrbError('LAB_PLUGIN_FAILED', { message });
    }
    if (pod.status?.startTime === undefined) await this.#reporter.pending(pod);
    const sandbox = await this.#sandboxes.create(pod);
    const ready = await this.#attach(pod, sandbox);
    await this.#serve(pod, ready);
  }

  /** Attaches a new sandbox. If that fails, the sandbox is removed, and the next try uses another one, as kubelet does. */
  async #attach(pod: Pod, sandbox: Sandbox): Promise<Sandbox> {
    try {
      const { client, paths, multusNamespace = 'kube-system' } = this.#options;
      const clusterNetwork = () => readClusterNetwork(paths.confFolder);
      const networks = await networksOf(pod, { client, multusNamespace, clusterNetwork });
      return await this.#sandboxes.attach(sandbox, networks);
    } catch (error) {
      const message = `Failed to create pod sandbox: ${networkFault('setup', error)}`;
      this.#warn(pod, 'FailedCreatePodSandBox', message);
      await this.#remove(sandbox);
      throw error;
    }
  }

  async #report(pod: Pod, sandbox: Sandbox): Promise<void> {
    if (isRunning(pod)) return;
    await this.#reporter.attached(pod, sandbox.containerId, await this.#sandboxes.attached(sandbox));
  }

  #publish({ pod: { namespace, name }, netns, containerId }: Sandbox): void {
    const { paths, node } = this.#options;
    writePodRecord(paths.podRecordFolder, { namespace, name, node: node.name, netns, containerId });
  }

  #warn(pod: Pod, reason: string, message: string): void {
    this.#events.record(resources.pods, pod, { type: 'Warning', reason, message });
  }
}

/** Whether a change needs work. Changes that the kubelet writes itself do not; otherwise a failed pod would not wait for its next try. */
function concerns(change: ObjectChange<Pod>): boolean {
  if (change.type !== 'changed') return true;
  const { before, object } = change;
  return (
    before.metadata.deletionTimestamp !== object.metadata.deletionTimestamp ||
    before.status?.phase !== object.status?.phase
  );
}

/**
 * The error as containerd reports it through kubelet, but without the sandbox's id. Each try has another id, and repeated errors would look
 * different.
 */
function networkFault(verb: 'setup' | 'destroy', error: unknown): string {
  return `rpc error: code = Unknown desc = failed to ${verb} network for sandbox: ${errorText(error)}`;
}
