// Ends connected UDP sockets whose backend is gone: their programs would wait for answers that never come.

import type { Logger } from '#base';
import { type FollowedSocket, type ServiceTable, staleSockets } from '#plan/service';

/** The sockets of the kernel. */
export interface FollowedSockets {
  followed(): FollowedSocket[];
  /** Returns how many were ended. */
  endSockets(sockets: readonly FollowedSocket[]): Promise<number>;
}

export interface StaleSocketsParts {
  readonly sockets: FollowedSockets;
  /** Counts sockets that were ended. */
  readonly ended: (count: number) => void;
  /** Counts a failure. */
  readonly failed: () => void;
  readonly log: Logger;
}

export class StaleSockets {
  readonly #parts: StaleSocketsParts;
  /** Cookies of the sockets that the last try was about. One that its program has disconnected stays there. */
  #tried: ReadonlySet<bigint> = new Set();

  constructor(parts: StaleSocketsParts) {
    this.#parts = parts;
  }

  /**
   * Ends the sockets whose backend is not in the table. With `again`, those of the last try are looked for once more.
   * A failure is counted and logged: Services are served without this.
   */
  async end(table: ServiceTable, again: boolean): Promise<void> {
    const { sockets, ended, failed, log } = this.#parts;
    try {
      const stale = staleSockets(sockets.followed(), table);
      const isKnown = stale.every(({ cookie }) => this.#tried.has(cookie));
      if (stale.length === 0 || (isKnown && !again)) return;
      this.#tried = new Set(stale.map(({ cookie }) => cookie));
      const count = await sockets.endSockets(stale);
      if (count === 0) return;
      ended(count);
      log.info({ sockets: count }, 'ended connected UDP sockets whose backend is gone');
    } catch (error) {
      failed();
      log.warn({ err: error }, 'cannot end connected UDP sockets whose backend is gone');
    }
  }
}
