// When what is compared: woken by events of the kernel and the cluster, one at a time, never beside a verb of the same pod.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, errorText, type Logger } from '#base';
import { WorkQueue } from '#kube';
import type { NodeRepair } from './node-repair.ts';
import { Patience } from './patience.ts';
import type { PodRepair } from './pod-repair.ts';
import type { Cause, RepairReport } from './report.ts';

export interface RepairsParts {
  readonly pods: Pick<PodRepair, 'containers' | 'enter' | 'mend' | 'podOf'>;
  readonly node: Pick<NodeRepair, 'mend'>;
  /** Whether a verb of the container's pod runs. */
  readonly isBusy: (containerId: string) => boolean;
  readonly report: Pick<RepairReport, 'pod' | 'node' | 'failed' | 'gone'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One damage is many events, and what broke something may mend it itself. */
const DEBOUNCE_MS = 150;
/** A verb of the pod runs: looked at again. */
const BUSY_MS = 100;
/** Every pod is compared once in this time, for what the kernel tells nobody: most sysctls. */
const SWEEP_MS = 300_000;
/** How many records are on their way to the disk at once. */
const RECORDINGS = 8;
/** No container id has a blank. */
const NODE = 'the node';

export class Repairs {
  readonly #parts: RepairsParts;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #patience: Patience;
  /** Keys that wait, with the cause that came first and when the look is due. */
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
    this.#stop.abort(new Error('the agent stops'));
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
    // A rival's doing waits, what the cluster or the node says does not.
    const delayMs = DEBOUNCE_MS + (cause === 'event' ? this.#patience.delayMs(key) : 0);
    const dueMs = this.#parts.clock.monotonic() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    this.#waiting.set(key, { cause: waiting?.cause ?? cause, dueMs });
    this.#queue.addAfter(key, delayMs);
  }

  async #work(key: string): Promise<void> {
    // A repair is one turn of the event loop; between two of them, requests are served.
    await nextTurn();
    if (this.#isBusy(key)) return;
    const waiting = this.#waiting.get(key);
    // It was looked at meanwhile, for a cause that was more urgent.
    if (waiting === undefined) return;
    const { cause } = waiting;
    try {
      if (key === NODE) {
        this.#waiting.delete(NODE);
        this.#mendNode(cause);
      } else {
        await this.#visit(key, cause);
      }
    } catch (error) {
      this.#patience.mended(key);
      // The queue tries again, later and later; a wake may come before.
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
      // A verb may have begun on the way in. What wakes the pod from here on is another look.
      if (this.#isBusy(containerId)) return;
      this.#waiting.delete(containerId);
      const done = pod && pods.mend(containerId, pod);
      if (done === undefined) {
        this.#patience.forget(containerId);
        report.gone(containerId);
        return;
      }
      report.pod(done.state, cause);
      if (done.state.differences.length > 0) this.#patience.mended(containerId);
      await this.#record(done.recorded);
    } finally {
      pod?.close();
    }
  }

  #mendNode(cause: Cause): void {
    const mended = this.#parts.node.mend();
    this.#parts.report.node(mended, cause);
    if (mended.length > 0) this.#patience.mended(NODE);
  }

  /** The next pod need not wait for the disk, and requests need not wait for hundreds of records to be there. */
  async #record(recorded: Promise<void>): Promise<void> {
    const recording = recorded
      // A later agent plans the pod anew in any case.
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'a repaired pod is not recorded'))
      .finally(() => this.#recording.delete(recording));
    this.#recording.add(recording);
    if (this.#recording.size >= RECORDINGS) await Promise.race(this.#recording);
  }

  /** One after the other, evenly, so that an idle agent is idle. */
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
