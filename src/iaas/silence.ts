// Whether the provider has stopped to answer. Then only one request at a time tries it, and the others fail at once: each
// that waited would keep the place of a request for another pod.

import type { Clock } from '#base';

export class Silence {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  /** When the first request began that was not answered since the last answer. */
  #sinceMs: number | undefined;
  #triedMs = Number.NEGATIVE_INFINITY;

  /** A provider that answers nobody for so long is silent. */
  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** A request begins. For how many seconds nobody was answered, if this one shall not be sent. */
  begin(): number | undefined {
    const nowMs = this.#clock.monotonic();
    this.#sinceMs ??= nowMs;
    const silentMs = nowMs - this.#sinceMs;
    if (silentMs < this.#patienceMs) return undefined;
    if (nowMs - this.#triedMs < this.#patienceMs) return Math.round(silentMs / 1000);
    this.#triedMs = nowMs;
    return undefined;
  }

  /** An answer came, whatever it says. */
  answered(): void {
    this.#sinceMs = undefined;
  }

  /** A request ended without an answer. One that ended soon kept no place of others. */
  unanswered(begunMs: number): void {
    if (this.#clock.monotonic() - begunMs < this.#patienceMs) this.#sinceMs = undefined;
  }
}
