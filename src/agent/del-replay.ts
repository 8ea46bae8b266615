// Works off the queue of DELs: before the agent serves, and again while the API server keeps some of them waiting.

import { BackOff, type Clock, type Logger } from '#base';
import { type CniRequest, type Dispatcher, decodeFrame, readRequest, requestFrame } from '#cni';
import type { DelQueue } from '#node';

export interface DelReplayParts {
  readonly queue: DelQueue;
  readonly dispatcher: () => Dispatcher;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long one queued DEL may take. */
const DEL_TIMEOUT_MS = 10_000;

export class DelReplay {
  readonly #parts: DelReplayParts;
  readonly #stop = new AbortController();
  readonly #backOff = new BackOff({ firstMs: 500, maximumMs: 30_000 });
  #running: Promise<void> | undefined;
  /** How many DELs wait, as of the last look: for the metrics. */
  waiting = 0;

  constructor(parts: DelReplayParts) {
    this.#parts = parts;
  }

  /** Puts a DEL on disk and sees to it later. */
  async keep(request: CniRequest): Promise<void> {
    await this.#parts.queue.add({ request: request.id, bytes: requestFrame(request) });
    this.waiting += 1;
    this.#running ??= this.#retry();
  }

  /** Serves what is queued, once; what cannot be done now is tried again in the background. */
  async replay(): Promise<void> {
    await this.#once();
    if (this.waiting > 0) this.#running ??= this.#retry();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent stops'));
    await this.#running;
  }

  async #once(): Promise<void> {
    const { queue, dispatcher, log } = this.#parts;
    await queue.replay(async ({ request: id, bytes }) => {
      const request = readRequest(decodeFrame(Buffer.from(bytes)));
      const { CNI_CONTAINERID: containerId, CNI_IFNAME: ifName } = request.variables;
      const own = log.child({
        request: id,
        type: request.type,
        verb: 'DEL',
        containerId,
        ifName,
        queued: true,
      });
      await dispatcher().call(request, AbortSignal.timeout(DEL_TIMEOUT_MS), own);
      own.info({}, 'queued DEL served');
    });
    this.waiting = await queue.length();
  }

  async #retry(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    while (this.waiting > 0 && !signal.aborted) {
      await clock.sleep(this.#backOff.next(), signal).catch(() => {});
      if (!signal.aborted) await this.#once();
    }
    this.#backOff.reset();
    this.#running = undefined;
  }
}
