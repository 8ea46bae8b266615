// Writes on the Node which addresses other machines use, so that the controller can say it on the pools.

import { type Node, resources } from '#api';
import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { Conflict } from '#cni';
import { formatAddress } from '#ip';
import type { KubeClient } from '#kube';
import { QUARANTINE_ANNOTATION, QUARANTINE_MS, type Quarantined, quarantineText } from '#plan/ipam';

export interface QuarantineReportParts {
  readonly nodeName: string;
  /** The Node object as the watch last delivered it. */
  readonly node: () => Node | undefined;
  readonly client: Pick<KubeClient, 'patch'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often the Node is compared while nothing is in quarantine. An earlier agent may have left an annotation. */
const IDLE_MS = 60_000;

export class QuarantineReport {
  readonly #parts: QuarantineReportParts;
  /** By address. */
  readonly #entries = new Map<string, Quarantined>();
  #wake = new AbortController();

  constructor(parts: QuarantineReportParts) {
    this.#parts = parts;
  }

  /** Only a quarantined address is told: another pod may get a kept one at any time. */
  note({ address, mac, outcome }: Conflict): void {
    if (outcome !== 'quarantined') return;
    const untilMs = this.#parts.clock.now() + QUARANTINE_MS;
    this.#entries.set(formatAddress(address), { address, mac, untilMs });
    this.#wake.abort();
  }

  /** Writes after each note and at the end of each quarantine, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const backOff = new BackOff({ firstMs: 1_000, maximumMs: 60_000 });
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let waitMs = IDLE_MS;
      try {
        waitMs = await this.#write(signal);
        backOff.reset();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error: errorText(error) }, 'the Node cannot be told which addresses are in quarantine');
        waitMs = backOff.next();
      }
      await clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal])).catch(() => {});
    }
  }

  /** Returns after which time there is something to write. */
  async #write(signal: AbortSignal): Promise<number> {
    const { nodeName, node, client, clock } = this.#parts;
    const nowMs = clock.now();
    for (const [key, { untilMs }] of this.#entries) if (untilMs <= nowMs) this.#entries.delete(key);
    const entries = [...this.#entries.values()];
    const text = quarantineText(entries);
    const known = node();
    if (known !== undefined && known.metadata.annotations?.[QUARANTINE_ANNOTATION] !== text) {
      const body = { metadata: { annotations: { [QUARANTINE_ANNOTATION]: text ?? null } } };
      await client.patch(resources.nodes, { name: nodeName }, { type: 'merge', body }, { signal });
    }
    return Math.min(IDLE_MS, ...entries.map(({ untilMs }) => untilMs - nowMs));
  }
}
