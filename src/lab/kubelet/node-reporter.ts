// Keeps the Node object up to date: its addresses, and whether the cluster's network can serve pods now.

import { type Clock, errorText, type Logger, timeText } from '#base';
import type { KubeClient } from '#kube';
import { renewLease } from './node-lease.ts';
import {
  internalAddresses,
  type NodeFacts,
  readyCondition,
  registerNode,
  reportNode,
} from './node-object.ts';

export interface NodeReporterOptions {
  readonly facts: NodeFacts;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** STATUS of the cluster's network. It rejects while pods cannot be attached to the network. */
  readonly networkStatus: () => Promise<void>;
}

const REPORT_MS = 5000;
/** This interval is shorter, because pods wait for the network. */
const NOT_READY_REPORT_MS = 200;

export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #addresses: readonly string[] = [];
  #problem: string | undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  /** The node's own addresses, the primary family first. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Why the cluster's network cannot serve pods now; undefined if it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when addresses and problem are known. */
  async start(): Promise<void> {
    const { facts, client } = this.#options;
    this.#addresses = facts.addresses ?? internalAddresses(await registerNode(client, facts));
    await this.#look();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#report().catch((error: unknown) => {
        log.warn({ error: errorText(error) }, 'could not update the status of the node');
      });
      await clock
        .sleep(this.#problem === undefined ? REPORT_MS : NOT_READY_REPORT_MS, signal)
        .catch(() => {}); // stopped
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    this.#problem = await this.#options.networkStatus().then(() => undefined, errorText);
  }

  async #report(): Promise<void> {
    const { facts, client, clock } = this.#options;
    const now = timeText(clock.now());
    await reportNode(client, facts, readyCondition(this.#problem), now);
    await renewLease(client, facts.name, clock.now());
  }
}
