// The keys of one controller. It works on them and decides by `retry.ts` what follows an error.

import { type Clock, errorText, type Logger } from '#base';
import { WorkQueue, type WorkQueueOptions } from '#kube';
import type { ReconcileMetrics, WorkResult } from './metrics.ts';
import { retryOf } from './retry.ts';

export interface ControllerQueueOptions {
  /** The name of the controller. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ReconcileMetrics;
  readonly workers: number;
  readonly backOff: NonNullable<WorkQueueOptions['backOff']>;
  /** Works on the key. Resolves to the time after which it is worked on again, also without a change. */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
}

/** After so many conflicts in a row, a key waits like after other errors (client-go's RetryOnConflict stops then). */
const CONFLICTS_AT_ONCE = 5;

/** How many keys wait. */
export interface QueueDepth {
  /** Keys that wait for a worker. */
  readonly waiting: number;
  /** Keys that wait for their next try or their time. */
  readonly delayed: number;
  /** Keys that wait for a change after an error that only the user can mend. */
  readonly parked: number;
}

export class ControllerQueue {
  readonly #options: ControllerQueueOptions;
  readonly #queue: WorkQueue;
  /** Conflicts in a row. */
  readonly #conflicts = new Map<string, number>();
  /** Keys that something has changed since their last work began. */
  readonly #changed = new Set<string>();
  /** Keys that wait for their next try after a failure. */
  readonly #failed = new Set<string>();
  /** Keys that wait for a change. */
  readonly #parked = new Set<string>();

  constructor(options: ControllerQueueOptions) {
    const { clock, log, workers, backOff } = options;
    this.#options = options;
    this.#queue = new WorkQueue({
      clock,
      log,
      workers,
      backOff,
      work: (key, signal) => this.#work(key, signal),
    });
  }

  get depth(): QueueDepth {
    const { depth, delayed } = this.#queue;
    return { waiting: depth, delayed, parked: this.#parked.size };
  }

  /** Something changed that concerns the key. */
  changed(key: string): void {
    this.#changed.add(key);
    this.#parked.delete(key);
    this.#queue.add(key);
  }

  /** Time has passed. That is no reason to try a key earlier that has failed. */
  ticked(key: string): void {
    if (!this.#failed.has(key)) this.#queue.add(key);
  }

  /** Resolves when no work runs any more. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #work(key: string, signal: AbortSignal): Promise<void> {
    const { name, clock, metrics, work } = this.#options;
    if (this.#parked.has(key)) return;
    this.#changed.delete(key);
    this.#failed.delete(key);
    const beganMs = clock.monotonic();
    const count = (result: WorkResult) => metrics.worked(name, result, (clock.monotonic() - beganMs) / 1000);
    try {
      const againAfterMs = await work(key, signal);
      this.#conflicts.delete(key);
      count('done');
      if (againAfterMs !== undefined) this.#queue.addAfter(key, againAfterMs);
    } catch (error) {
      if (signal.aborted) return;
      const retry = this.#retryOf(key, error);
      count(retry);
      if (retry === 'at-once') this.#queue.add(key);
      else if (retry === 'on-change') this.#park(key, error);
      else {
        this.#failed.add(key);
        throw error;
      }
    }
  }

  #retryOf(key: string, error: unknown): WorkResult {
    const retry = retryOf(error);
    const conflicts = retry === 'at-once' ? (this.#conflicts.get(key) ?? 0) + 1 : 0;
    if (conflicts === 0) this.#conflicts.delete(key);
    else this.#conflicts.set(key, conflicts);
    return conflicts > CONFLICTS_AT_ONCE ? 'back-off' : retry;
  }

  #park(key: string, error: unknown): void {
    if (!this.#changed.has(key)) this.#parked.add(key);
    this.#options.log.warn({ key, error: errorText(error) }, 'failed, waiting until the object changes');
  }
}
