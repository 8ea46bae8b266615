// The DELs that wait on disk: from the shim, while no agent ran, or from the agent, which could not finish them.

import { type ErrorCode, isOrbError, type Logger } from '#base';
import type { StateFiles } from './state-files.ts';

/** A waiting request: its file, and the frame in it byte for byte. */
export interface QueuedDel {
  /** The shim's request id. */
  readonly request: string;
  readonly bytes: Uint8Array;
}

/** Serves one request. Returns false to leave it for later. */
export type ServeDel = (queued: QueuedDel) => Promise<boolean>;

export interface ReplayOptions {
  /** How many requests are served at once. Default 1. */
  readonly lanes?: number;
  /** Among requests that were not tried yet, these come last. */
  readonly last?: (queued: QueuedDel) => boolean;
  /** After this signal aborts, no request that has failed before is started. The next replay continues with them. */
  readonly retries?: AbortSignal;
  readonly signal?: AbortSignal;
}

const QUEUED = '.del';

/** Errors that no retry can resolve, whatever happens to the cluster and the node. */
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
  /** Requests that did not fit on the disk. */
  readonly #unwritten = new Map<string, QueuedDel>();
  /** The last try of each request that was tried and is still queued, as a growing number. */
  readonly #tried = new Map<string, number>();
  #tries = 0;

  constructor(files: StateFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
  }

  /**
   * Adds a request that the agent itself cannot finish now. It is on the disk when this resolves. If the disk is full,
   * it is only in memory; the attachment's record, which is on the disk, still says what is held.
   */
  async add(queued: QueuedDel): Promise<void> {
    try {
      await this.#files.writeFromReserve(queued.request + QUEUED, queued.bytes);
    } catch (err) {
      if (!isOrbError(err, 'DISK_FULL')) throw err;
      this.#unwritten.set(queued.request, queued);
      this.#logger.error(
        { request: queued.request, err },
        'the disk is full, so a DEL is queued in memory only',
      );
    }
  }

  /** How many requests wait. */
  async length(): Promise<number> {
    return this.#unwritten.size + (await this.#waiting()).length;
  }

  /**
   * Serves the queue, several requests at a time, until the signal aborts. The oldest come first; those that failed
   * before come after all others.
   *
   * A served request is removed. A request that can never be served is set aside, so that it does not fill the queue:
   * it is not a frame, or no DEL can be made from it. A request that fails otherwise, or that `serve` leaves for later,
   * stays for the next replay.
   */
  async replay(
    serve: ServeDel,
    { lanes = 1, last = () => false, retries, signal }: ReplayOptions = {},
  ): Promise<void> {
    await this.#writeAgain();
    const queued = await this.#read();
    const failed = (one: QueuedDel) => this.#tried.has(one.request);
    const fresh = queued.filter((one) => !failed(one));
    const again = queued
      .filter(failed)
      .toSorted((a, b) => (this.#tried.get(a.request) ?? 0) - (this.#tried.get(b.request) ?? 0));
    const groups = [fresh.filter((one) => !last(one)), fresh.filter(last), again];
    for (const group of groups) {
      // All lanes share this iterator.
      const rest = group.values();
      const lane = async () => {
        for (const one of rest) {
          if (signal?.aborted === true || (group === again && retries?.aborted === true)) return;
          await this.#serve(one, serve);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    }
  }

  async #serve({ request, bytes }: QueuedDel, serve: ServeDel): Promise<void> {
    const name = request + QUEUED;
    try {
      this.#tried.set(request, ++this.#tries);
      if (!(await serve({ request, bytes }))) return;
    } catch (error) {
      await this.#refused(name, request, error);
      return;
    }
    this.#forget(request);
    await this.#files.remove(name);
  }

  #forget(request: string): void {
    this.#tried.delete(request);
    this.#unwritten.delete(request);
  }

  /** Writes what did not fit on the disk, once there is space. */
  async #writeAgain(): Promise<void> {
    for (const { request, bytes } of this.#unwritten.values()) {
      try {
        await this.#files.write(request + QUEUED, bytes);
        this.#unwritten.delete(request);
      } catch (error) {
        if (isOrbError(error, 'DISK_FULL')) return;
        throw error;
      }
    }
  }

  async #read(): Promise<QueuedDel[]> {
    const found: QueuedDel[] = [...this.#unwritten.values()];
    for (const request of await this.#waiting()) {
      try {
        const bytes = await this.#files.read(request + QUEUED);
        if (bytes !== undefined) found.push({ request, bytes });
      } catch (err) {
        this.#logger.error({ request, err }, 'a queued DEL cannot be read and stays queued');
      }
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
      const isWritten = !this.#unwritten.has(request);
      this.#forget(request);
      if (isWritten) await this.#files.rename(name, `${name}.damaged`);
      this.#logger.error(
        { request, ...(isWritten && { file: `${name}.damaged` }), err },
        'a queued DEL that can never be served was set aside',
      );
    } else {
      this.#logger.error({ request, file: name, err }, 'a queued DEL failed and stays queued');
    }
  }
}
