// The start of the agent: retries what must be done before the first ADD, and lets requests wait for it.

import { abortable, BackOff, type Clock, errorText, type Logger, OrbError } from '#base';

export class Start {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #done = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #reason: string | undefined = 'the agent is still reading the cluster';

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    // When the agent stops, nobody may be waiting for this promise.
    this.#done.promise.catch(() => {});
  }

  /** Performs the work. It must be safe to repeat. */
  async run(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    const backOff = new BackOff({ firstMs: 500, maximumMs: 30_000 });
    while (!signal.aborted) {
      try {
        await work();
        if (signal.aborted) return;
        this.#reason = undefined;
        return this.#done.resolve();
      } catch (error) {
        if (signal.aborted) return;
        this.#reason = `the agent could not start: ${errorText(error)}`;
        this.#log.error({ err: error }, this.#reason);
      }
      await this.#clock.sleep(backOff.next(), signal).catch(() => {});
    }
  }

  /** Waiting requests are answered at once: the agent's end must not wait for their deadlines. */
  stop(): void {
    this.#reason = 'the agent is stopping';
    this.#stop.abort(new Error(this.#reason));
    this.#done.reject(new OrbError('AGENT_STARTING', { message: this.#reason }));
  }

  /** The reason why new pods cannot be served; undefined when they can. */
  notReady(): string | undefined {
    return this.#reason;
  }

  /** Resolves when new pods can be served. Throws AGENT_STARTING if the signal aborts or the agent stops first. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#reason === undefined) return;
    try {
      await abortable(this.#done.promise, signal);
    } catch {
      throw new OrbError('AGENT_STARTING', { message: this.#reason ?? 'the caller has left' });
    }
  }
}
