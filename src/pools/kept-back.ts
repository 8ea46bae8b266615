// Free addresses that are not handed out for a while: recently released ones, and those that other machines use.

import type { Clock } from '#base';
import { type Address, formatAddress } from '#ip';
import { noteReleases, type PickContext, type PoolLedger, QUARANTINE_MS } from '#plan/ipam';

export class KeptBack {
  readonly #clock: Clock;
  readonly #restMs: number;
  /** When each address was released, by anyone: see noteReleases. */
  #resting: ReadonlyMap<string, number> = new Map();
  /** Until when each address that another machine uses is kept back. */
  readonly #quarantined = new Map<string, number>();

  /** `restMs`: how long a released address is kept back while its pool has others. */
  constructor(clock: Clock, restMs: number) {
    this.#clock = clock;
    this.#restMs = restMs;
  }

  /** Called with each newer state of a pool and the state before it. */
  note(before: PoolLedger, after: PoolLedger): void {
    this.#resting = noteReleases(this.#resting, before, after, this.#clock.monotonic(), this.#restMs);
  }

  /** For `forMs`, nobody gets these addresses. */
  quarantine(addresses: readonly Address[], forMs = QUARANTINE_MS): void {
    const nowMs = this.#clock.monotonic();
    for (const [text, untilMs] of this.#quarantined) if (untilMs <= nowMs) this.#quarantined.delete(text);
    const untilMs = nowMs + Math.min(forMs, QUARANTINE_MS);
    for (const address of addresses) {
      const text = formatAddress(address);
      this.#quarantined.set(text, Math.max(untilMs, this.#quarantined.get(text) ?? 0));
    }
  }

  /** The kept-back addresses, as picking an address needs them now. */
  get context(): Omit<PickContext, 'reserved'> {
    return {
      resting: this.#resting,
      quarantined: this.#quarantined,
      nowMs: this.#clock.monotonic(),
      restMs: this.#restMs,
    };
  }
}
