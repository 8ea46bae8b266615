// Jittered exponential back-off: how long to wait before the next try.

/** The bounds of a back-off; times in milliseconds. */
export interface BackOffOptions {
  readonly firstMs: number;
  readonly maximumMs: number;
  /** Growth from one try to the next; 2 unless told. */
  readonly factor?: number;
  /** A number in [0, 1); `Math.random` unless a test passes its own. */
  readonly random?: () => number;
}

/** Waits that grow by a factor up to a bound, each drawn from the upper half of its span so that rivals part. */
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

  /** Starts over: call it when progress was made. */
  reset(): void {
    this.#spanMs = this.#options.firstMs;
  }
}
