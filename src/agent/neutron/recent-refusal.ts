// Whether the cloud has refused something of late: then it likely refuses the next one too.

import type { Clock } from '#base';

/** After it, one more pod may try. */
const RECENT_MS = 30_000;

export class RecentRefusal {
  readonly #clock: Clock;
  /** On the clock that never jumps. */
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(): void {
    this.#atMs = this.#clock.monotonic();
  }

  get isRecent(): boolean {
    return this.#clock.monotonic() < this.#atMs + RECENT_MS;
  }
}
