// The setting `serviceMode` of this node, while it changes: starts what serves Services in socket calls, and takes it away.

import { once } from 'node:events';
import type { ServiceMode } from '#api';
import type { Logger } from '#base';
import {
  type EndpointUse,
  type Frontend,
  frontendKey,
  type ServiceCounts,
  type ServiceEntry,
} from '#plan/service';
import type { SocketServiceCount } from '../metrics/index.ts';
import type { ServiceKnowledge } from './service-answers.ts';
import type { SocketServices } from './socket-services.ts';

/** Serves Services in socket calls until the signal of `run` aborts. */
export type Serving = Pick<
  SocketServices,
  'run' | 'isOn' | 'size' | 'problem' | 'entries' | 'uses' | 'counts' | 'nodeChanged'
>;

export interface ServiceSwitchParts {
  /** What counts for this node now. */
  readonly mode: () => ServiceMode;
  /** `tell` gets each problem for which Services are not served. */
  readonly start: (tell: (message: string) => void) => Serving;
  /** Tells the user a problem. With `auto`, kube-proxy is as good an answer. */
  readonly tell: (message: string) => void;
  /** Takes away the programs that an agent of this node has left. With `true`, those in the folder of {@link start} stay. */
  readonly clear: (isStarting: boolean) => Promise<void>;
  readonly log: Logger;
}

/** What stands for all Services of a protocol. */
const allServices = (['TCP', 'UDP', 'SCTP'] as const).map((protocol): Frontend => {
  return { address: { family: 6, value: 0n }, port: 0, protocol };
});

export class ServiceSwitch implements ServiceKnowledge {
  readonly #parts: ServiceSwitchParts;
  #services: Serving | undefined;
  /** Whether socket calls were wanted when the mode was looked at. */
  #isForSockets = false;
  #changed = new AbortController();
  /** The last problem, if the mode was `auto` then. */
  #untold: string | undefined;

  constructor(parts: ServiceSwitchParts) {
    this.#parts = parts;
  }

  /** Whether sockets of this node are served, by the last try. */
  get isOn(): boolean {
    return this.#services?.isOn === true;
  }

  /** How many addresses with ports the kernel knows. */
  get size(): number {
    return this.#services?.size ?? 0;
  }

  get problem(): string | undefined {
    return this.#services === undefined ? 'serviceMode is kube-proxy' : this.#services.problem;
  }

  entries(): Iterable<readonly [ServiceEntry, string | undefined]> {
    return this.#services?.entries() ?? [];
  }

  counts(only?: readonly Frontend[]): ReadonlyMap<string, ServiceCounts> {
    return this.#services?.counts(only) ?? new Map();
  }

  /** How often sockets asked for any Service. A scrape of the metrics must not read a count of each Service. */
  totals(): SocketServiceCount[] {
    const counts = this.counts(allServices);
    return allServices.flatMap((frontend) => {
      const all = counts.get(frontendKey(frontend));
      if (all === undefined) return [];
      const { protocol } = frontend;
      return (['chosen', 'refused'] as const).map((outcome) => ({ protocol, outcome, count: all[outcome] }));
    });
  }

  uses(service: string, entry: ServiceEntry): EndpointUse[] {
    return this.#services?.uses(service, entry) ?? [];
  }

  /** The node may be in another zone now, or have other pods. */
  nodeChanged(): void {
    this.#services?.nodeChanged();
  }

  /** The mode may be another one. */
  settingsChanged(): void {
    if (this.#wantsSockets() !== this.#isForSockets) this.#changed.abort();
    else if (this.#untold !== undefined && this.#services?.isOn === false) this.#tell(this.#untold);
  }

  #tell(message: string): void {
    const isWanted = this.#parts.mode() === 'ebpf';
    this.#untold = isWanted ? undefined : message;
    if (isWanted) this.#parts.tell(message);
  }

  #wantsSockets(): boolean {
    return this.#parts.mode() !== 'kube-proxy';
  }

  /** Follows the mode until the signal aborts. What is in the kernel then goes on, and the next agent takes it over. */
  async run(signal: AbortSignal): Promise<void> {
    const { start, clear, log } = this.#parts;
    while (!signal.aborted) {
      this.#changed = new AbortController();
      this.#isForSockets = this.#wantsSockets();
      const ends = AbortSignal.any([signal, this.#changed.signal]);
      await clear(this.#isForSockets).catch((error: unknown) => {
        log.error({ err: error }, 'cannot take away programs that served Services in socket calls');
      });
      if (this.#isForSockets) {
        this.#untold = undefined;
        this.#services = start((message) => this.#tell(message));
        await this.#services.run(ends);
        this.#services = undefined;
      } else if (!ends.aborted) {
        await once(ends, 'abort');
      }
    }
  }
}
