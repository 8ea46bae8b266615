// A fact about the node that many events may change. It is read a moment after an event and reported only if it
// differs.

import type { Clock, Logger } from '#base';

export interface WatchedFactParts {
  readonly read: () => string;
  readonly changed: () => void;
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** The Node object and the kernel report a moved address one after the other. */
const SETTLE_MS = 100;

export class WatchedFact {
  readonly #parts: WatchedFactParts;
  #known: string | undefined;
  #waiting = false;

  constructor(parts: WatchedFactParts) {
    this.#parts = parts;
  }

  /** Reads the current value and remembers it. */
  look(): void {
    this.#known = this.#parts.read();
  }

  /** The fact is read again soon. */
  mayHaveChanged(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const { clock, signal } = this.#parts;
    clock.sleep(SETTLE_MS, signal).then(
      () => {
        this.#waiting = false;
        this.#compare();
      },
      () => {},
    );
  }

  #compare(): void {
    const { changed, log } = this.#parts;
    const before = this.#known;
    try {
      this.look();
    } catch (error) {
      // Those who depend on the fact read it themselves, and retry if that fails too.
      log.warn({ err: error }, 'the state of the node cannot be read, so it may have changed');
      changed();
      return;
    }
    if (this.#known !== before) changed();
  }
}
