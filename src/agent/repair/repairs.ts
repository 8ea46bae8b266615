// Schedules comparisons. Events of the kernel and the cluster trigger them. They run one at a time, and never during a
// verb of the same pod.

import { type Clock, errorText, type Logger } from '#base';
import { WorkQueue } from '#kube';
import { giveWay, type Requests } from '../give-way.ts';
import type { NodeRepair } from './node-repair.ts';
import { Patience } from './patience.ts';
import type { PodRepair } from './pod-repair.ts';
import type { Cause, RepairReport } from './report.ts';

export interface RepairsParts {
  readonly pods: Pick<PodRepair, 'containers' | 'enter' | 'repair' | 'podOf'>;
  readonly node: Pick<NodeRepair, 'repair'>;
  /** Whether a verb of the container's pod runs. */
  readonly isBusy: (containerId: string) => boolean;
  readonly requests: Requests;
  readonly report: Pick<RepairReport, 'pod' | 'node' | 'failed' | 'gone'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One fault causes many events, and the program that caused it may correct it itself. */
const DEBOUNCE_MS = 150;
/** How long to wait before the next try while a verb of the pod runs. */
const BUSY_MS = 100;
/** Every pod is compared once in this time, because the kernel reports no event for most sysctls. */
const SWEEP_MS = 300_000;
/** How many records may be on their way to the disk at once. */
const RECORDINGS = 8;
/** The key of the node. No container id contains a blank. */
const NODE = 'the node';

export class Repairs {
  readonly #parts: RepairsParts;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #patience: Patience;
  /** Waiting keys, each with its first cause and the time of its comparison. */
  readonly #waiting = new Map<string, { readonly cause: Cause; readonly dueMs: number }>();
  readonly #recording = new Set<Promise<void>>();
  #sweeping: Promise<void> | undefined;

  constructor(parts: RepairsParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock);
    this.#queue = new WorkQueue({
      clock: parts.clock,
      log: parts.log,
      work: (key) => this.#work(key),
      backOff: { firstMs: 500, maximumMs: 60_000 },
    });
  }

  start(): void {
    this.#sweeping ??= this.#sweep();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent is stopping'));
    await this.#queue.stop();
    await Promise.all([...this.#recording, this.#sweeping]);
  }

  /** Compares the pod soon. */
  wake(containerId: string, cause: Cause): void {
    this.#wake(containerId, cause);
  }

  wakeNode(cause: Cause): void {
    this.#wake(NODE, cause);
  }

  /** Compares the node and every pod soon. */
  wakeAll(cause: Cause): void {
    this.#wake(NODE, cause);
    for (const containerId of this.#parts.pods.containers()) this.#wake(containerId, cause);
  }

  #wake(key: string, cause: Cause): void {
    // Events may come from a program that undoes repairs, so they may wait. Changes of the cluster or the node do not
    // wait.
    const delayMs = DEBOUNCE_MS + (cause === 'event' ? this.#patience.delayMs(key) : 0);
    const dueMs = this.#parts.clock.monotonic() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    this.#waiting.set(key, { cause: waiting?.cause ?? cause, dueMs });
    this.#queue.addAfter(key, delayMs);
  }

  async #work(key: string): Promise<void> {
    // A repair takes one turn of the event loop. Requests are served between two repairs.
    await giveWay(this.#parts.requests, this.#parts.clock);
    if (this.#isBusy(key)) return;
    const waiting = this.#waiting.get(key);
    // An earlier comparison has served this cause already.
    if (waiting === undefined) return;
    const { cause } = waiting;
    try {
      if (key === NODE) {
        this.#waiting.delete(NODE);
        this.#repairNode(cause);
      } else {
        await this.#visit(key, cause);
      }
    } catch (error) {
      this.#patience.repaired(key);
      // The queue tries again with growing delays. A wake may come earlier.
      const now = this.#waiting.get(key);
      if (now === undefined || now === waiting)
        this.#waiting.set(key, { cause, dueMs: Number.POSITIVE_INFINITY });
      this.#parts.report.failed(
        key === NODE ? undefined : key,
        this.#parts.pods.podOf(key),
        errorText(error),
      );
      throw error;
    }
  }

  /** A pod is left alone while a verb of it runs. */
  #isBusy(key: string): boolean {
    const busy = key !== NODE && this.#parts.isBusy(key);
    if (busy) this.#queue.addAfter(key, BUSY_MS);
    return busy;
  }

  async #visit(containerId: string, cause: Cause): Promise<void> {
    const { pods, report } = this.#parts;
    const pod = await pods.enter(containerId);
    try {
      // A verb may have started while the sandbox was entered. What wakes the pod from here on causes another
      // comparison.
      if (this.#isBusy(containerId)) return;
      this.#waiting.delete(containerId);
      const done = pod && pods.repair(containerId, pod);
      if (done === undefined) {
        this.#patience.forget(containerId);
        report.gone(containerId);
        return;
      }
      report.pod(done.state, cause);
      if (done.state.differences.length > 0) this.#patience.repaired(containerId);
      await this.#record(done.recorded);
    } finally {
      pod?.close();
    }
  }

  #repairNode(cause: Cause): void {
    const repaired = this.#parts.node.repair();
    this.#parts.report.node(repaired, cause);
    if (repaired.length > 0) this.#patience.repaired(NODE);
  }

  /** The next pod does not wait for the disk. Requests do not wait for hundreds of records. */
  async #record(recorded: Promise<void>): Promise<void> {
    const recording = recorded
      // A later agent makes a new plan for the pod in any case.
      .catch((error: unknown) =>
        this.#parts.log.error({ err: error }, 'the record of a repaired pod could not be written'),
      )
      .finally(() => this.#recording.delete(recording));
    this.#recording.add(recording);
    if (this.#recording.size >= RECORDINGS) await Promise.race(this.#recording);
  }

  /** Compares one pod after the other at an even pace, so that an idle agent stays idle. */
  async #sweep(): Promise<void> {
    const { clock, pods } = this.#parts;
    const { signal } = this.#stop;
    let round: string[] = [];
    while (!signal.aborted) {
      if (round.length === 0) round = [NODE, ...pods.containers()];
      await clock.sleep(SWEEP_MS / (pods.containers().length + 1), signal).catch(() => {});
      const next = round.shift();
      if (next !== undefined && !signal.aborted) this.#wake(next, 'sweep');
    }
  }
}
