// A place of this node that has addresses of Neutron for pods: it keeps some ready.

import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { Stock } from '#openstack/own-port';
import type { OpenPlace } from './open-place.ts';
import { RecentRefusal } from './recent-refusal.ts';

/** Between two looks when nothing happens. */
const IDLE_MS = 60_000;
/** Pods that come together are one write. */
const GATHER_MS = 200;
const backOff = { firstMs: 1_000, maximumMs: 60_000 };

export class TendedPlace {
  readonly place: OpenPlace;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waked = new AbortController();
  #idleMs = IDLE_MS;
  /** Of the last try to keep addresses ready. */
  #failure: string | undefined;
  readonly #refusal: RecentRefusal;
  #wasTended = false;
  readonly #changed: () => void;

  constructor(
    place: OpenPlace,
    {
      clock,
      log,
      changed,
    }: {
      readonly clock: Clock;
      readonly log: Logger;
      /** Called when there are more addresses, or fewer. */
      readonly changed: () => void;
    },
  ) {
    this.place = place;
    this.#clock = clock;
    this.#log = log.child({ ledger: place.ledger });
    this.#refusal = new RecentRefusal(clock);
    this.#changed = changed;
  }

  /** Why no pod can get an address: none is ready, and none can be fetched. Undefined if one can. */
  async unready(): Promise<string | undefined> {
    if (this.#failure === undefined) return undefined;
    return (await this.place.addresses.stock(this.#subnetIds)).ready > 0 ? undefined : this.#failure;
  }

  /** Undefined: it is not known yet. */
  async supply(): Promise<(Stock & { readonly canFetch: boolean }) | undefined> {
    if (!this.#wasTended) return undefined;
    const canFetch = this.#failure === undefined && !this.#refusal.isRecent;
    return { ...(await this.place.addresses.stock(this.#subnetIds)), canFetch };
  }

  /** A pod got no address. */
  refused(): void {
    this.#refusal.note();
  }

  /** Something was taken or given back. */
  wake(): void {
    this.#waked.abort();
  }

  /** Keeps addresses ready, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const waits = new BackOff(backOff);
    while (!signal.aborted) {
      const tended = await this.#tend();
      this.#wasTended = true;
      this.#changed();
      if (tended) waits.reset();
      await this.#rest(tended ? this.#idleMs : waits.next(), tended, signal);
    }
  }

  get #subnetIds(): string[] {
    return this.place.subnets.map(({ id }) => id);
  }

  async #tend(): Promise<boolean> {
    this.#waked = new AbortController();
    try {
      const { restsEndMs } = await this.place.addresses.tend(this.#subnetIds);
      const restMs = restsEndMs === undefined ? IDLE_MS : restsEndMs - this.#clock.now();
      this.#idleMs = Math.min(Math.max(restMs, GATHER_MS), IDLE_MS);
      if (this.#failure !== undefined) this.#log.info({}, 'addresses can be fetched again');
      this.#failure = undefined;
      return true;
    } catch (error) {
      if (this.#failure === undefined) this.#log.warn({ err: error }, 'cannot keep addresses ready');
      this.#failure = errorText(error);
      return false;
    }
  }

  /** Whoever comes ends the wait, but not that after a failure. */
  async #rest(ms: number, endsEarly: boolean, signal: AbortSignal): Promise<void> {
    const ended = endsEarly ? AbortSignal.any([signal, this.#waked.signal]) : signal;
    await this.#clock.sleep(ms, ended).catch(() => {}); // something happened, or the agent leaves
    if (endsEarly && this.#waked.signal.aborted) await this.#clock.sleep(GATHER_MS, signal).catch(() => {});
  }
}
