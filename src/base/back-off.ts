// Exponential back-off with jitter: how long to wait before the next try.

/** The limits of a back-off. Times are in milliseconds. */
export interface BackOffOptions {
  readonly firstMs: number;
  readonly maximumMs: number;
  /** The factor from one wait to the next. 2 by default. */
  readonly factor?: number;
  /** Returns a number in [0, 1). `Math.random` by default, so that a test can pass its own. */
  readonly random?: () => number;
}

/**
 * Waits that grow by a factor up to a limit. Each wait is random in the upper half of its span, so that competing
 * clients spread out.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #spanMs: number;

  constructor(options: BackOffOptions) {
    this.#options = options;
    this.#spanMs = options.firstMs;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const { maximumMs, factor = 2, random = Math.random } = this.#options;
    const spanMs = this.#spanMs;
    this.#spanMs = Math.min(spanMs * factor, maximumMs);
    return spanMs / 2 + (spanMs / 2) * random();
  }

  /** Starts again with the first wait. Call it after progress. */
  reset(): void {
    this.#spanMs = this.#options.firstMs;
  }
}
