// The DELs that came while no agent was there: the shim has put each into a file of its own, and answered the runtime.

import { type ErrorCode, isOrbError, type Logger } from '#base';
import type { StateFiles } from './state-files.ts';

/** A request that waits: its file and the frame in it, byte for byte. */
export interface QueuedDel {
  /** The shim's request id. */
  readonly request: string;
  readonly bytes: Uint8Array;
}

/** Serves one; false leaves it for later. */
export type ServeDel = (queued: QueuedDel) => Promise<boolean>;

export interface ReplayOptions {
  /** How many are served at once; 1 unless told. */
  readonly lanes?: number;
  /** Those that are served after all others. */
  readonly last?: (queued: QueuedDel) => boolean;
  readonly signal?: AbortSignal;
}

const QUEUED = '.del';

/** No repeat helps, whatever becomes of cluster and node. */
const hopeless: readonly ErrorCode[] = [
  'FRAME_DAMAGED',
  'CNI_ENVIRONMENT_INVALID',
  'CNI_INPUT_UNDECODABLE',
  'CNI_VERSION_UNSUPPORTED',
  'INPUT_INVALID',
];

export class DelQueue {
  readonly #files: StateFiles;
  readonly #logger: Logger;

  constructor(files: StateFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
  }

  /** Adds a request that the agent itself cannot finish now; on the disk when this resolves. */
  add({ request, bytes }: QueuedDel): Promise<void> {
    return this.#files.write(request + QUEUED, bytes);
  }

  /** How many requests wait. */
  async length(): Promise<number> {
    return (await this.#waiting()).length;
  }

  /**
   * Serves what is queued, the oldest first, some at a time. A request goes when `serve` is through with it; one that can never be
   * served, because it is no frame or says nothing that a DEL can be made of, is set aside: it must not fill the queue. One that
   * fails otherwise, or that `serve` leaves for later, stays for the next replay, and the rest is served, until the signal aborts.
   */
  async replay(
    serve: ServeDel,
    { lanes = 1, last = () => false, signal }: ReplayOptions = {},
  ): Promise<void> {
    const queued = await this.#read();
    for (const group of [queued.filter((one) => !last(one)), queued.filter(last)]) {
      // The lanes share it.
      const rest = group.values();
      const lane = async () => {
        for (const one of rest) {
          if (signal?.aborted === true) return;
          await this.#serve(one, serve);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    }
  }

  async #serve({ request, bytes }: QueuedDel, serve: ServeDel): Promise<void> {
    const name = request + QUEUED;
    try {
      if (!(await serve({ request, bytes }))) return;
    } catch (error) {
      await this.#refused(name, request, error);
      return;
    }
    await this.#files.remove(name);
  }

  async #read(): Promise<QueuedDel[]> {
    const found: QueuedDel[] = [];
    for (const request of await this.#waiting()) {
      const bytes = await this.#files.read(request + QUEUED);
      if (bytes !== undefined) found.push({ request, bytes });
    }
    return found;
  }

  async #waiting(): Promise<string[]> {
    const files = (await this.#files.list()).filter(({ name }) => name.endsWith(QUEUED));
    const inOrder = files.toSorted((a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1));
    return inOrder.map(({ name }) => name.slice(0, -QUEUED.length));
  }

  async #refused(name: string, request: string, err: unknown): Promise<void> {
    if (isOrbError(err) && hopeless.includes(err.code)) {
      await this.#files.rename(name, `${name}.damaged`);
      this.#logger.error(
        { request, file: `${name}.damaged`, err },
        'queued DEL can never be served: set aside',
      );
    } else {
      this.#logger.error({ request, file: name, err }, 'queued DEL failed: it stays queued');
    }
  }
}
