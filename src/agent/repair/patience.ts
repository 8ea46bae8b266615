// How long the next repair of something waits: a program that undoes every repair must not keep the agent busy.

import type { Clock } from '#base';

const SPAN_MS = 60_000;
const REPAIRS_IN_SPAN = 60;
const PAUSE_MS = 10_000;

export class Patience {
  readonly #clock: Clock;
  /** When each was mended, or tried to be, of late. */
  readonly #times = new Map<string, readonly number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mended(key: string): void {
    this.#times.set(key, [...this.#recent(key), this.#clock.monotonic()]);
  }

  delayMs(key: string): number {
    return this.#recent(key).length < REPAIRS_IN_SPAN ? 0 : PAUSE_MS;
  }

  forget(key: string): void {
    this.#times.delete(key);
  }

  #recent(key: string): readonly number[] {
    const since = this.#clock.monotonic() - SPAN_MS;
    return (this.#times.get(key) ?? []).filter((time) => time > since);
  }
}
