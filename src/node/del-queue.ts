// The DELs that came while no agent was there: the shim has put each into a file of its own, and answered the runtime.

import { isOrbError, type Logger } from '#base';
import type { StateFiles } from './state-files.ts';

/** A request that waits: its file and the frame in it, byte for byte. */
export interface QueuedDel {
  /** The shim's request id. */
  readonly request: string;
  readonly bytes: Uint8Array;
}

const QUEUED = '.del';

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
   * Serves what is queued, the oldest first, one after the other. A request goes when `serve` is through with it; one that
   * is no frame (FRAME_DAMAGED) is set aside; one that fails otherwise stays for the next start, and the rest is served.
   */
  async replay(serve: (queued: QueuedDel) => Promise<void>): Promise<void> {
    for (const request of await this.#waiting()) {
      const name = request + QUEUED;
      const bytes = await this.#files.read(name);
      if (bytes === undefined) continue;
      try {
        await serve({ request, bytes });
      } catch (error) {
        await this.#refused(name, request, error);
        continue;
      }
      await this.#files.remove(name);
    }
  }

  async #waiting(): Promise<string[]> {
    const files = (await this.#files.list()).filter(({ name }) => name.endsWith(QUEUED));
    const inOrder = files.toSorted((a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1));
    return inOrder.map(({ name }) => name.slice(0, -QUEUED.length));
  }

  async #refused(name: string, request: string, err: unknown): Promise<void> {
    if (isOrbError(err, 'FRAME_DAMAGED')) {
      await this.#files.rename(name, `${name}.damaged`);
      this.#logger.error({ request, file: `${name}.damaged`, err }, 'queued DEL is damaged: set aside');
    } else {
      this.#logger.error({ request, file: name, err }, 'queued DEL failed: it stays queued');
    }
  }
}
