// How long to wait after a repair before the same pod, or the node, is compared again.

import type { Clock } from '#base';

/** The repair causes an event itself. With hundreds of pods, the other pods come first. */
const AFTER_REPAIR_MS = 1_000;
/** A program that undoes every repair must not keep the agent busy. */
const SPAN_MS = 60_000;
const REPAIRS_IN_SPAN = 30;
const PAUSE_MS = 10_000;

export class Patience {
  readonly #clock: Clock;
  /** The times of recent repairs, successful or not. */
  readonly #times = new Map<string, readonly number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  repaired(key: string): void {
    this.#times.set(key, [...this.#recent(key), this.#clock.monotonic()]);
  }

  delayMs(key: string): number {
    const recent = this.#recent(key);
    const last = recent.at(-1);
    if (last === undefined) return 0;
    const pauseMs = recent.length < REPAIRS_IN_SPAN ? AFTER_REPAIR_MS : PAUSE_MS;
    return Math.max(0, last + pauseMs - this.#clock.monotonic());
  }

  forget(key: string): void {
    this.#times.delete(key);
  }

  #recent(key: string): readonly number[] {
    const since = this.#clock.monotonic() - SPAN_MS;
    return (this.#times.get(key) ?? []).filter((time) => time > since);
  }
}
