// A fact of the node that many events may have changed: read a moment after them, and told of only where it is another one.

import type { Clock, Logger } from '#base';

export interface WatchedFactParts {
  readonly read: () => string;
  readonly changed: () => void;
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** The Node object and the kernel tell of a moved address one after the other. */
const SETTLE_MS = 100;

export class WatchedFact {
  readonly #parts: WatchedFactParts;
  #known: string | undefined;
  #waiting = false;

  constructor(parts: WatchedFactParts) {
    this.#parts = parts;
  }

  /** What it is now is known from now on. */
  look(): void {
    this.#known = this.#parts.read();
  }

  /** It is looked at soon. */
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
      // Whom it concerns looks himself, and tries again where he fails too.
      log.warn({ err: error }, 'the node cannot be looked at: it may have changed');
      changed();
      return;
    }
    if (this.#known !== before) changed();
  }
}
