// Admits requests to the agent: a bounded number at once, one at a time per pod, in order of arrival.

import { type Clock, OrbError } from '#base';

interface Waiting {
  readonly key: string;
  readonly admit: () => void;
}

/** Bounds what runs at once; who waits leaves when nobody waits for his answer any more. */
export class Gate {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #busy = new Set<string>();
  readonly #queue: Waiting[] = [];
  #idle: (() => void)[] = [];

  /** @param limit how many requests run at once */
  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  get running(): number {
    return this.#busy.size;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Runs `work` when no other with the same `key` runs and there is room.
   * @param deadlineMs of the clock's `monotonic()`
   * @throws OrbError DEADLINE_PASSED when its turn does not come before the deadline: the work was not begun
   */
  async run<T>(key: string, deadlineMs: number, work: () => Promise<T>): Promise<T> {
    await this.#admission(key, deadlineMs);
    try {
      return await work();
    } finally {
      this.#busy.delete(key);
      this.#admitNext();
    }
  }

  /** Resolves when nothing runs and nothing waits. */
  drained(): Promise<void> {
    if (this.#busy.size === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #admission(key: string, deadlineMs: number): Promise<void> {
    if (this.#busy.size < this.#limit && !this.#busy.has(key)) {
      this.#busy.add(key);
      return;
    }
    const turn = Promise.withResolvers<boolean>();
    const waiting: Waiting = { key, admit: () => turn.resolve(true) };
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
    // Admitted in the same moment as the deadline passed: the room taken goes to the next.
    if (at === -1) this.#busy.delete(key);
    else this.#queue.splice(at, 1);
    this.#admitNext();
    throw new OrbError('DEADLINE_PASSED', {
      message: 'the caller stopped waiting before the agent came to its request',
      subject: key,
    });
  }

  #admitNext(): void {
    for (let i = 0; i < this.#queue.length && this.#busy.size < this.#limit; ) {
      const next = this.#queue[i] as Waiting;
      if (this.#busy.has(next.key)) {
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      this.#busy.add(next.key);
      next.admit();
    }
    if (this.#busy.size > 0 || this.#queue.length > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
