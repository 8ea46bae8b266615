// Warns before the agent's memory reaches the limit of its container, at which the kernel kills it.

import { type Clock, type Logger, OrbError } from '#base';

/** The share of the limit above which the agent warns, and the share below which it may warn again. */
const WARN_ABOVE = 0.8;
const CALM_BELOW = 0.7;
const LOOK_EVERY_MS = 10_000;
const MEBIBYTE = 1 << 20;

export interface Memory {
  /** Bytes in RAM. */
  readonly used: number;
  /** Bytes that the control group allows; undefined without a limit. */
  readonly limit: number | undefined;
}

/** The memory of this process. It is alone in its container. */
export function ownMemory(): Memory {
  const limit = process.constrainedMemory();
  // Without a limit, libuv tells 0, or more than any machine has.
  return { used: process.memoryUsage.rss(), limit: limit > 0 && limit < 2 ** 50 ? limit : undefined };
}

export class MemoryWatch {
  readonly #read: () => Memory;
  readonly #log: Logger;
  #warned = false;

  constructor(log: Logger, read: () => Memory = ownMemory) {
    this.#log = log;
    this.#read = read;
  }

  /** Bytes; 0 without a limit. */
  get limit(): number {
    return this.#read().limit ?? 0;
  }

  /** Whether the last look found too much. */
  get nearLimit(): boolean {
    return this.#warned;
  }

  /** Looks again and again, until the signal aborts. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
    }
  }

  /** Compares once. One warning stands until the memory was small again. */
  look(): void {
    const { used, limit } = this.#read();
    if (limit === undefined) return;
    if (used < limit * CALM_BELOW) this.#warned = false;
    if (used <= limit * WARN_ABOVE || this.#warned) return;
    this.#warned = true;
    const [has, allowed] = [used, limit].map((bytes) => Math.round(bytes / MEBIBYTE));
    const message = `the agent uses ${has} MiB of the ${allowed} MiB that its container may use`;
    this.#log.warn({ err: new OrbError('MEMORY_NEAR_LIMIT', { message }) }, message);
  }
}
