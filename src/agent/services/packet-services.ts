// Services for the packets of this node, in place of kube-proxy: keeps the nftables rules, and says whether they serve.

import { BackOff, type Clock, errorText, isOrbError, type Logger } from '#base';
import { SERVICE_TABLE } from '#plan/service-rules';
import { HealthCheckPorts } from './health-check-ports.ts';
import { type PacketRules, PacketSync, type PacketSyncParts } from './packet-sync.ts';
import type { ServiceView } from './service-view.ts';
import { serveUntil } from './serving.ts';

/** The rules in the kernel, as long as they are used. */
export interface OpenRules extends PacketRules {
  /** Whether the kernel still has them. */
  isThere(): boolean;
  remove(): Promise<void>;
  close(): void;
}

export interface PacketServicesParts extends Pick<PacketSyncParts, 'here' | 'inside' | 'failed'> {
  readonly open: () => Promise<OpenRules>;
  readonly view: ServiceView;
  /** Tells the user why packets to Services are not served. */
  readonly tell: (message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often it is looked whether the rules are there. */
const PERIOD_MS = 5_000;
/** Changes come in bursts, one for each pod of a rollout. They are written together. */
const GATHER_MS = 20;
const backOffSpan = { firstMs: 500, maximumMs: 60_000 };

export class PacketServices {
  readonly #parts: PacketServicesParts;
  readonly #backOff = new BackOff(backOffSpan);
  readonly #ports: HealthCheckPorts;
  #wake = new AbortController();
  #sync: PacketSync | undefined;
  #failures = 0;
  #said: string | undefined;
  /** Whether the rules of all Services were written, and were there at the last look. */
  isOn = false;

  constructor(parts: PacketServicesParts) {
    this.#parts = parts;
    this.#ports = new HealthCheckPorts(parts.log);
    parts.view.onChange = () => this.#wake.abort();
  }

  /** How many addresses with ports have rules. */
  get size(): number {
    return this.#sync?.size ?? 0;
  }

  /** The node may have other addresses now, or the cluster other networks. */
  nodeChanged(): void {
    this.#wake.abort();
  }

  /** Serves until the signal aborts. The rules then stay, and the next agent takes them over. */
  async run(signal: AbortSignal): Promise<void> {
    await serveUntil(signal, {
      ...this.#parts,
      backOff: this.#backOff,
      serve: (until) => this.#serve(until),
      failed: (error) => {
        this.#parts.failed();
        this.#say(errorText(error), error);
      },
    });
    this.#ports.close();
  }

  /** A table of another version may stand in the way of every write. So after a second failure it is made anew. */
  async #startAnew(rules: OpenRules): Promise<void> {
    if (++this.#failures < 2) return;
    try {
      await rules.remove();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the rules of Services cannot be removed');
    }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const rules = await this.#parts.open();
    try {
      await this.#serveWith(rules, signal);
    } catch (error) {
      const isRefused = isOrbError(error, 'KERNEL_REFUSED') && error.subject === SERVICE_TABLE;
      if (isRefused && !signal.aborted) await this.#startAnew(rules);
      throw error;
    } finally {
      rules.close();
    }
  }

  async #serveWith(rules: OpenRules, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const sync = new PacketSync({ ...this.#parts, rules });
    await sync.all();
    this.#sync = sync;
    let lookAtMs = clock.monotonic() + PERIOD_MS;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      if (clock.monotonic() >= lookAtMs) {
        if (rules.isThere()) await sync.again();
        else {
          this.#parts.log.warn(
            {},
            'another program has removed the rules of Services: they are written again',
          );
          await sync.all();
        }
        lookAtMs = clock.monotonic() + PERIOD_MS;
      }
      await sync.changed();
      await this.#ports.serve(sync.healthChecks);
      this.#failures = 0;
      this.#backOff.reset();
      this.#say('');
      const ends = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(Math.max(0, lookAtMs - clock.monotonic()), ends).catch(() => {}); // there is a change
      await clock.sleep(GATHER_MS, signal).catch(() => {}); // the agent leaves
    }
  }

  /** With an empty message, packets are served. */
  #say(message: string, error?: unknown): void {
    const { log, tell } = this.#parts;
    this.isOn = message === '';
    this.#ports.isHealthy = this.isOn;
    if (message === this.#said) return;
    this.#said = message;
    if (this.isOn) {
      log.info({ entries: this.size }, 'Services are served to packets');
      return;
    }
    log.warn({ err: error }, 'packets to Services are not served');
    tell(`packets to Services are not served: ${message}`);
  }
}
