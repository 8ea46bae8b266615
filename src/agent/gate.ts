// Admits requests to the agent in order of arrival: a limited number at once, one at a time per pod, GC alone.

import { type Clock, OrbError } from '#base';

interface Waiting {
  readonly key: string;
  /** Runs only while nothing else runs. */
  readonly alone: boolean;
  readonly admit: () => void;
}

/** Limits what runs at once. A waiting request leaves the queue when its caller stops waiting. */
export class Gate {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #busy = new Set<string>();
  readonly #queue: Waiting[] = [];
  /** Whether the request that runs now must be alone. */
  #closed = false;
  #idle: (() => void)[] = [];

  /** @param limit how many requests may run at once */
  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  get running(): number {
    return this.#busy.size;
  }

  /** Whether a request with this key runs, or one that must be alone. */
  isBusy(key: string): boolean {
    return this.#closed || this.#busy.has(key);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Runs `work` when there is room and no other work with the same `key` runs.
   * @param deadlineMs of the clock's `monotonic()`
   * @throws OrbError DEADLINE_PASSED when its turn does not come before the deadline; then `work` was not started
   */
  run<T>(key: string, deadlineMs: number, work: () => Promise<T>): Promise<T> {
    return this.#run(key, false, deadlineMs, work);
  }

  /** Like {@link run}, but waits until nothing else runs. Later requests wait for it. */
  runAlone<T>(key: string, deadlineMs: number, work: () => Promise<T>): Promise<T> {
    return this.#run(key, true, deadlineMs, work);
  }

  /** Resolves when nothing runs and nothing waits. */
  drained(): Promise<void> {
    if (this.#busy.size === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #run<T>(key: string, alone: boolean, deadlineMs: number, work: () => Promise<T>): Promise<T> {
    await this.#admission(key, alone, deadlineMs);
    try {
      return await work();
    } finally {
      this.#leave(key);
    }
  }

  async #admission(key: string, alone: boolean, deadlineMs: number): Promise<void> {
    if (this.#fits(key, alone) && !this.#queue.some((waiting) => waiting.alone)) {
      this.#enter(key, alone);
      return;
    }
    const turn = Promise.withResolvers<boolean>();
    const waiting: Waiting = { key, alone, admit: () => turn.resolve(true) };
    this.#queue.push(waiting);
    const patience = new AbortController();
    const expired = this.#clock
      .sleep(Math.max(0, deadlineMs - this.#clock.monotonic()), patience.signal)
      .then(
        () => false,
        () => true,
      );
    const admitted = await Promise.race([turn.promise, expired]);
    patience.abort();
    if (admitted) return;
    const at = this.#queue.indexOf(waiting);
    // The request was admitted in the moment its deadline passed. The next request gets its place.
    if (at === -1) this.#leave(key);
    else this.#queue.splice(at, 1);
    this.#admitNext();
    throw new OrbError('DEADLINE_PASSED', {
      message: 'the caller stopped waiting before the agent started its request',
      subject: key,
    });
  }

  #fits(key: string, alone: boolean): boolean {
    if (alone) return this.#busy.size === 0;
    return !this.#closed && this.#busy.size < this.#limit && !this.#busy.has(key);
  }

  #enter(key: string, alone: boolean): void {
    this.#busy.add(key);
    this.#closed = alone;
  }

  #leave(key: string): void {
    this.#busy.delete(key);
    this.#closed = false;
    this.#admitNext();
  }

  #admitNext(): void {
    for (let i = 0; i < this.#queue.length && this.#busy.size < this.#limit; ) {
      const next = this.#queue[i] as Waiting;
      if (!this.#fits(next.key, next.alone)) {
        // No request overtakes one that must be alone. Otherwise that one could wait for ever.
        if (next.alone) break;
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      this.#enter(next.key, next.alone);
      next.admit();
    }
    if (this.#busy.size > 0 || this.#queue.length > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
