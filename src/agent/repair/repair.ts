// Assembles the repair. Kernel events, the cluster's settings and the node's addresses trigger comparisons of running
// pods.

import type { SpiderCoordinator } from '#api';
import type { Clock, Logger } from '#base';
import { type Family, formatAddress } from '#ip';
import { openGivenNetns, openNetns } from '#kernel';
import type { EventRecorder } from '#kube';
import type { NetworkNamespace } from '#net';
import type { Attachments } from '#node';
import { NFT_TABLE } from '#plan/network';
import type { Requests } from '../give-way.ts';
import type { NodeFacts } from '../node-facts.ts';
import { DriftWatch } from './drift-watch.ts';
import { Follower } from './follower.ts';
import { NodeCheckServer } from './node-check.ts';
import { NodeRepair } from './node-repair.ts';
import { PodRepair } from './pod-repair.ts';
import { ProxyWatch } from './proxy-watch.ts';
import { Repairs } from './repairs.ts';
import { type RepairMetrics, RepairReport } from './report.ts';
import { WatchedFact } from './watched-fact.ts';

export interface RepairOptions {
  readonly nodeName: string;
  readonly attachments: Attachments;
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
  readonly facts: NodeFacts;
  readonly coordinator: () => SpiderCoordinator | undefined;
  readonly families: readonly Family[];
  readonly tuneSysctls: boolean;
  /** Whether a verb of the container's pod runs. */
  readonly isBusy: (containerId: string) => boolean;
  /** Comparisons give way to them. */
  readonly requests: Requests;
  readonly timestamp: () => string;
  readonly metrics: RepairMetrics;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Repair {
  /** Answers `orbctl check --node`. */
  readonly check: NodeCheckServer;
  readonly #options: RepairOptions;
  readonly #report: RepairReport;
  readonly #node: NodeRepair;
  readonly #pods: PodRepair;
  readonly #repairs: Repairs;
  readonly #follower: Follower;
  readonly #watch: DriftWatch;
  readonly #proxies: ProxyWatch;
  #watchingProxies: Promise<void> | undefined;
  readonly #follow = (containerId: string) => this.#follower.changed(containerId);
  readonly #stop = new AbortController();
  /** Whether the settings and the Node object were read. */
  #clusterKnown = false;
  readonly #nodeAddresses: WatchedFact;
  /** On some nodes, kube-proxy writes its rules every second. Pods are compared only if our own table has changed. */
  readonly #nodeRules: WatchedFact;

  constructor(options: RepairOptions) {
    this.#options = options;
    const { attachments, facts, coordinator } = options;
    const present = () =>
      this.#clusterKnown ? { coordinator: coordinator(), nodeAddresses: facts.addresses() } : undefined;
    this.#report = new RepairReport(options);
    this.#node = new NodeRepair({ ...options, settingsKnown: () => this.#clusterKnown });
    this.#pods = new PodRepair({ ...options, present });
    const parts = { ...options, pods: this.#pods, node: this.#node, report: this.#report };
    this.#repairs = new Repairs(parts);
    this.check = new NodeCheckServer(parts);
    const watched = { ...options, signal: this.#stop.signal };
    this.#nodeAddresses = new WatchedFact({
      ...watched,
      read: () => facts.addresses().map(formatAddress).join(' '),
      changed: () => this.#repairs.wakeAll('plan'),
    });
    this.#nodeRules = new WatchedFact({
      ...watched,
      read: () => JSON.stringify(options.node.nftRules(NFT_TABLE)),
      changed: () => this.#repairs.wakeAll('event'),
    });
    this.#proxies = new ProxyWatch({
      ...options,
      missing: (containerId) => this.#repairs.wake(containerId, 'event'),
    });
    using netns = openNetns('current');
    this.#watch = new DriftWatch(netns, {
      pod: (containerId) => this.#repairs.wake(containerId, 'event'),
      node: () => this.#repairs.wakeNode('event'),
      nodeAddresses: () => this.#renewNodeAddresses(),
      nodeRuleset: () => this.#nodeRules.mayHaveChanged(),
      everything: () => {
        this.#renewNodeAddresses();
        this.#repairs.wakeAll('event');
      },
    });
    this.#follower = new Follower({
      ...options,
      watch: this.#watch,
      pods: this.#pods,
      openNetns: openGivenNetns,
      begun: (containerId) => this.#repairs.wake(containerId, 'attached'),
    });
    attachments.listeners.add(this.#follow);
  }

  /**
   * Repairs what broke while no agent ran. The plans come from the records, because the API server may be unreachable for
   * long.
   */
  start(): void {
    for (const containerId of this.#pods.containers()) void this.#follower.follow(containerId);
    this.#nodeRules.look();
    this.#repairs.start();
    this.#repairs.wakeAll('start');
    this.#watchingProxies ??= this.#proxies.run(this.#stop.signal);
  }

  /** Prepares the node for pods. From now on, the plans of pods follow the cluster's settings. */
  clusterKnown(): void {
    this.#clusterKnown = true;
    this.#prepareNode();
    this.#nodeAddresses.look();
    this.#repairs.wakeAll('start');
  }

  settingsChanged(): void {
    if (this.#clusterKnown) this.#repairs.wakeAll('plan');
  }

  /** The Node object has changed, possibly its addresses. */
  nodeChanged(): void {
    if (this.#clusterKnown) this.#nodeAddresses.mayHaveChanged();
  }

  async stop(): Promise<void> {
    this.#options.attachments.listeners.delete(this.#follow);
    this.#stop.abort(new Error('the agent is stopping'));
    this.#watch.close();
    this.#follower.stop();
    await Promise.all([this.#repairs.stop(), this.#watchingProxies]);
  }

  #renewNodeAddresses(): void {
    this.#options.facts.renew();
    this.nodeChanged();
  }

  /** A sysctl that cannot be written must not prevent pods from starting. ADD ensures what a pod needs of the node. */
  #prepareNode(): void {
    try {
      this.#report.node(this.#node.repair(), 'start');
    } catch (error) {
      this.#options.log.error({ err: error }, 'the agent could not prepare the node');
    }
  }
}
