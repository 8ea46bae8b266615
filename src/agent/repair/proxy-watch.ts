// Looks whether the NICs of the node still answer for the addresses of pods. The kernel tells nobody that such an entry is
// gone, and it deletes all of them when their NIC goes down.

import type { Clock, Logger } from '#base';
import type { NetworkNamespace } from '#net';
import { type Attachments, heldProxies } from '#node';
import { sameProxy } from '#plan/network';

export interface ProxyWatchParts {
  readonly attachments: Pick<Attachments, 'all'>;
  readonly node: Pick<NetworkNamespace, 'proxies'>;
  /** The pod must be compared. */
  readonly missing: (containerId: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a pod may be unreachable for other machines before it is repaired. */
const LOOK_MS = 5_000;

export class ProxyWatch {
  readonly #parts: ProxyWatchParts;

  constructor(parts: ProxyWatchParts) {
    this.#parts = parts;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        this.look();
      } catch (error) {
        log.warn({ err: error }, 'the proxies of the node cannot be read');
      }
    }
  }

  /** One dump for all pods, and none if no pod needs a proxy. */
  look(): void {
    const { attachments, node, missing } = this.#parts;
    const needed = attachments
      .all()
      .flatMap((record) =>
        heldProxies([record]).map((proxy) => ({ proxy, containerId: record.containerId })),
      );
    if (needed.length === 0) return;
    const there = node.proxies();
    const lacking = needed
      .filter(({ proxy }) => !there.some((found) => sameProxy(found, proxy)))
      .map(({ containerId }) => containerId);
    for (const containerId of new Set(lacking)) missing(containerId);
  }
}
