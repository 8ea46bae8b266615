// Keys to work on. Each key is worked on once at a time and never lost. A failed key is retried with growing delays
// (like client-go's workqueue).

import { BackOff, type Clock, errorText, isOrbError, type Logger } from '#base';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Does the work of one key. If it throws, the key is retried later. The signal aborts when the queue is stopped. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  /** How many keys are worked on at once. Default 1. */
  readonly workers?: number;
  /** The wait between two tries of one key. */
  readonly backOff?: { readonly firstMs: number; readonly maximumMs: number };
}

const defaultBackOff = { firstMs: 50, maximumMs: 30_000 };

/**
 * A key that is added while it waits stays one key. A key that is added while it is worked on is worked on once more,
 * so that the last change is never missed. The number of retries is not limited.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<string>();
  readonly #active = new Map<string, Promise<void>>();
  /** Keys that were added again while they were worked on. */
  readonly #again = new Set<string>();
  readonly #backOffs = new Map<string, BackOff>();
  /** Keys that wait for a time, by the monotonic time at which they are added. */
  readonly #timers = new Map<string, { readonly atMs: number; readonly cancel: AbortController }>();
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for a worker. Keys that wait for their next try are not counted. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys that wait for their next try, or for the time that {@link addAfter} gave. */
  get delayed(): number {
    return this.#timers.size;
  }

  add(key: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#active.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#dispatch();
  }

  /**
   * Adds the key after `delayMs`. A key waits for one time only, the earliest. So a key that changes often while it fails
   * is not tried once for each change.
   */
  addAfter(key: string, delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    const { clock } = this.#options;
    const atMs = clock.monotonic() + delayMs;
    const before = this.#timers.get(key);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.cancel.abort();
    const timer = { atMs, cancel: new AbortController() };
    this.#timers.set(key, timer);
    clock.sleep(delayMs, timer.cancel.signal).then(
      () => {
        this.#timers.delete(key);
        this.add(key);
      },
      () => {}, // an earlier time came, or the queue was stopped
    );
  }

  /** Resolves when no key waits and no worker runs. Keys between two tries do not count. */
  async idle(): Promise<void> {
    if (this.#waiting.size + this.#active.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Accepts no more keys, tells the running workers to end, and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the work queue was stopped'));
    this.#waiting.clear();
    for (const { cancel } of this.#timers.values()) cancel.abort();
    this.#timers.clear();
    await Promise.all(this.#active.values());
  }

  #dispatch(): void {
    for (const key of this.#waiting) {
      if (this.#active.size >= (this.#options.workers ?? 1)) return;
      this.#waiting.delete(key);
      this.#active.set(key, this.#work(key));
    }
  }

  async #work(key: string): Promise<void> {
    try {
      // Work starts only after the caller of add() has finished: it must not run inside a reflector's handler.
      await Promise.resolve();
      await this.#options.work(key, this.#stop.signal);
      this.#backOffs.delete(key);
    } catch (error) {
      this.#failed(key, error);
    }
    this.#active.delete(key);
    if (this.#again.delete(key) && !this.#stop.signal.aborted) this.#waiting.add(key);
    this.#dispatch();
    if (this.#waiting.size + this.#active.size === 0) {
      const idle = this.#idle;
      this.#idle = [];
      for (const resolve of idle) resolve();
    }
  }

  #failed(key: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const backOff = this.#backOffs.get(key) ?? new BackOff(this.#options.backOff ?? defaultBackOff);
    this.#backOffs.set(key, backOff);
    const delayMs = backOff.next();
    const { log } = this.#options;
    // An error in our own code is logged with its stack.
    if (isOrbError(error) && error.code !== 'INTERNAL') {
      log.warn({ key, error: errorText(error), delayMs }, 'failed, trying again later');
    } else {
      log.error({ key, err: error, delayMs }, 'failed by a bug, trying again later');
    }
    this.addAfter(key, delayMs);
  }
}
