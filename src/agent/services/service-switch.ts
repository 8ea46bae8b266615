// The setting `serviceMode` of this node, while it changes: starts what serves Services in socket calls, and takes it away.

import { once } from 'node:events';
import type { ServiceMode } from '#api';
import { BackOff, type Clock, errorText, type Logger } from '#base';
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
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two tries to take programs away. */
const tries = { firstMs: 1_000, maximumMs: 60_000 };

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
  /** Why programs of an earlier mode are still there. Then sockets may be served all the same. */
  #remaining: string | undefined;
  readonly #tries = new BackOff(tries);
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
    if (this.#services !== undefined) return this.#services.problem;
    return this.#remaining ?? 'serviceMode is kube-proxy';
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
    const { start, clock } = this.#parts;
    while (!signal.aborted) {
      this.#changed = new AbortController();
      this.#isForSockets = this.#wantsSockets();
      const ends = AbortSignal.any([signal, this.#changed.signal]);
      const isCleared = await this.#clear();
      if (this.#isForSockets) {
        this.#untold = undefined;
        this.#services = start((message) => this.#tell(message));
        await this.#services.run(ends);
        this.#services = undefined;
      } else if (isCleared) {
        this.#tries.reset();
        if (!ends.aborted) await once(ends, 'abort');
      } else {
        await clock.sleep(this.#tries.next(), ends).catch(() => {}); // the mode has changed, or the agent leaves
      }
    }
  }

  /** Whether no programs are left that must not be there. */
  async #clear(): Promise<boolean> {
    const { clear, log, tell } = this.#parts;
    try {
      await clear(this.#isForSockets);
      this.#remaining = undefined;
      return true;
    } catch (error) {
      const what = 'cannot take away programs that served Services in socket calls';
      const isNew = this.#remaining === undefined;
      this.#remaining = `${what}: ${errorText(error)}`;
      if (!isNew) return false;
      log.error({ err: error }, what);
      tell(this.#remaining);
      return false;
    }
  }
}
