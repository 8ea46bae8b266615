// What the user sees while the lab starts: the current step on a terminal, plain lines in a log, and the time of each step.

import type { Clock } from '#base';
import type { Paint } from '#program';

export interface Screen {
  readonly write: (text: string) => void;
  /** Whether a line can be overwritten. */
  readonly terminal: boolean;
  readonly paint: Paint;
  /** Aborts when nobody reads the output any more. */
  readonly closed: AbortSignal;
}

export class Progress {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #startedMs: number;
  /** The milliseconds of each step, and the `total`. */
  readonly timingsMs: Record<string, number> & { total?: number } = {};

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
    this.#startedMs = clock.monotonic();
  }

  say(line: string): void {
    this.#screen.write(`${this.#screen.terminal ? '\r\x1b[K' : ''}${line}\n`);
  }

  /** Runs a step. The step may call `detail` to report its progress. */
  async step<T>(
    key: string,
    title: string,
    work: (detail: (text: string) => void) => T | Promise<T>,
  ): Promise<T> {
    const { write, terminal } = this.#screen;
    const began = this.#clock.monotonic();
    const detail = (text: string) => {
      if (terminal) write(`\r\x1b[K${title} … ${text}`);
    };
    if (terminal) write(`\r\x1b[K${title} …`);
    const result = await work(detail);
    const now = this.#clock.monotonic();
    this.timingsMs[key] = Math.round(now - began);
    this.timingsMs.total = Math.round(now - this.#startedMs);
    this.say(`${title}: ${((now - began) / 1000).toFixed(1)} s`);
    return result;
  }
}
