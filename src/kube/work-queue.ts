// Keys to work on. Each key is worked on once at a time and never lost. A failed key is retried with growing delays
// (like client-go's workqueue).

import { BackOff, type Clock, errorText, type Logger } from '#base';

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
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for a worker. Keys that wait for their next try are not counted. */
  get depth(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#active.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#dispatch();
  }

  /** Adds the key after `delayMs`. */
  addAfter(key: string, delayMs: number): void {
    const { clock } = this.#options;
    clock.sleep(delayMs, this.#stop.signal).then(
      () => this.add(key),
      () => {},
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
    this.#options.log.warn({ key, error: errorText(error), delayMs }, 'failed, trying again later');
    this.addAfter(key, delayMs);
  }
}
