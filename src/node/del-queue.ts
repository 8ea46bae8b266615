// The DELs that wait on disk: from the shim, while no agent ran, or from the agent, which could not finish them.

import { type ErrorCode, isOrbError, type Logger } from '#base';
import type { StateFiles } from './state-files.ts';

/** A waiting request: its file, and the frame in it byte for byte. */
export interface QueuedDel {
  /** The shim's request id. */
  readonly request: string;
  readonly bytes: Uint8Array;
}

const QUEUED = '.del';

/** A request with one of these can never be served: its ADD was refused for the same reason, so it holds nothing. */
const refusals: readonly ErrorCode[] = [
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

  /** The requests that wait, oldest first. Also writes what did not fit on the disk, once there is space. */
  async list(): Promise<string[]> {
    await this.#writeAgain();
    const files = (await this.#files.list()).filter(({ name }) => name.endsWith(QUEUED));
    const inOrder = files.toSorted((a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1));
    const onDisk = inOrder.map(({ name }) => name.slice(0, -QUEUED.length));
    return [...new Set([...this.#unwritten.keys(), ...onDisk])];
  }

  /** The frame of a request, byte for byte; undefined if the request no longer waits. */
  async read(request: string): Promise<Uint8Array | undefined> {
    return this.#unwritten.get(request)?.bytes ?? (await this.#files.read(request + QUEUED));
  }

  /** The request was served. */
  async remove(request: string): Promise<void> {
    this.#unwritten.delete(request);
    await this.#files.remove(request + QUEUED);
  }

  /**
   * Logs why a request failed. Returns whether it stays queued. A refused request is removed, because pods can make any
   * number of them. A damaged file is set aside for inspection: only the disk makes one.
   */
  async keepAfter(request: string, err: unknown): Promise<boolean> {
    const file = request + QUEUED;
    if (isOrbError(err, 'FRAME_DAMAGED')) {
      await this.#files.rename(file, `${file}.damaged`);
      this.#logger.error(
        { request, file: `${file}.damaged`, err },
        'a damaged file of a queued DEL was set aside',
      );
      return false;
    }
    if (isOrbError(err) && refusals.includes(err.code)) {
      await this.remove(request);
      this.#logger.warn({ request, code: err.code }, `a queued DEL was refused: ${err.message}`);
      return false;
    }
    this.#logger.error({ request, file, err }, 'a queued DEL failed and stays queued');
    return true;
  }

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
}
