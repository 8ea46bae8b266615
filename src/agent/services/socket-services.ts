// Services in the socket calls of this node: keeps the tables and the programs, and says whether they serve.

import { BackOff, type Clock, errorText, type Logger, OrbError } from '#base';
import type { HookState } from '#kernel/bpf';
import {
  type ClaimedEntry,
  type ClientNode,
  type EndpointUse,
  type Frontend,
  otherBalancers,
  type ServiceCounts,
  type ServiceEntry,
} from '#plan/service';
import { ServiceSync, type ServiceTables } from './service-sync.ts';
import type { ServiceView } from './service-view.ts';
import { serveUntil } from './serving.ts';
import { type FollowedSockets, StaleSockets } from './stale-sockets.ts';

/** The programs and tables of the kernel. */
export interface Balancer extends ServiceTables, FollowedSockets {
  attach(): Promise<void>;
  detach(): void;
  /** Serves all namespaces but those with these cookies. */
  exempt(namespaces: ReadonlySet<bigint>): Promise<void>;
  state(): HookState[];
  /**
   * By `frontendKey`. The key of address `::` and port 0 counts all Services of its protocol. `only`: of these alone,
   * which costs less.
   */
  counts(only?: readonly Frontend[]): ReadonlyMap<string, ServiceCounts>;
  close(): void;
}

/** Shows whether sockets are served. */
export interface Proof {
  /** What must be in the tables for it. */
  readonly entries: readonly ClaimedEntry[];
  /** What went wrong; undefined if sockets are served. */
  findProblem(): Promise<string | undefined>;
  close(): void;
}

export interface SocketServicesParts {
  readonly open: () => Promise<Balancer>;
  readonly prove: () => Promise<Proof>;
  readonly view: ServiceView;
  /** This node. */
  readonly here: () => ClientNode;
  /** Cookies of the namespaces of pods that leave Services to kube-proxy. */
  readonly exempt: () => Promise<ReadonlySet<bigint>>;
  /** Counts a failure. */
  readonly failed: () => void;
  /** Counts sockets that were ended because their backend is gone. */
  readonly ended: (count: number) => void;
  /** Tells the user why Services are not served in socket calls. */
  readonly tell: (message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often the programs are looked at and tried. */
const PERIOD_MS = 5_000;
const backOffSpan = { firstMs: 500, maximumMs: 60_000 };

export class SocketServices {
  readonly #parts: SocketServicesParts;
  readonly #backOff = new BackOff(backOffSpan);
  #wake = new AbortController();
  #sync: ServiceSync | undefined;
  #balancer: Balancer | undefined;
  #failures = 0;
  /** What the log said last; empty when sockets are served. */
  #said: string | undefined;
  /** Whether sockets of this node are served, by the last try. */
  isOn = false;

  constructor(parts: SocketServicesParts) {
    this.#parts = parts;
    parts.view.onChange = () => this.#wake.abort();
  }

  /** How many addresses with ports the kernel knows. */
  get size(): number {
    return this.#sync?.table.size ?? 0;
  }

  /** Why sockets are not served; undefined if they are. */
  get problem(): string | undefined {
    return this.isOn ? undefined : (this.#said ?? 'the agent has not read all Services yet');
  }

  /** What the kernel knows, with the Service that has it. */
  *entries(): Generator<readonly [ServiceEntry, string | undefined]> {
    const sync = this.#sync;
    for (const entry of sync?.table.values() ?? []) yield [entry, sync?.owner(entry)];
  }

  /** How often sockets asked for each Service. Empty while the kernel's tables are not open. */
  counts(only?: readonly Frontend[]): ReadonlyMap<string, ServiceCounts> {
    return this.#balancer?.counts(only) ?? new Map();
  }

  uses(service: string, entry: ServiceEntry): EndpointUse[] {
    return this.#sync?.uses(service, entry) ?? [];
  }

  /** The node may be in another zone now, or have other pods. */
  nodeChanged(): void {
    this.#wake.abort();
  }

  /** Serves until the signal aborts. What is in the kernel then goes on, and the next agent takes it over. */
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
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const balancer = await this.#parts.open();
    this.#balancer = balancer;
    try {
      const proof = await this.#parts.prove();
      try {
        await this.#serveWith(balancer, proof, signal);
      } finally {
        proof.close();
      }
    } catch (error) {
      // Old backends are worse than none: without the programs, kube-proxy serves.
      if (!signal.aborted && ++this.#failures > 1) balancer.detach();
      throw error;
    } finally {
      this.#balancer = undefined;
      balancer.close();
    }
  }

  async #serveWith(balancer: Balancer, proof: Proof, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const sync = new ServiceSync({ ...this.#parts, tables: balancer, more: proof.entries });
    await sync.all();
    this.#sync = sync;
    const stale = new StaleSockets({ ...this.#parts, sockets: balancer });
    let lookAtMs = clock.monotonic();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await balancer.exempt(await this.#parts.exempt());
      const isLook = clock.monotonic() >= lookAtMs;
      if (isLook) {
        await this.#look(balancer, proof);
        lookAtMs = clock.monotonic() + PERIOD_MS;
      }
      await sync.changed();
      await stale.end(sync.table, isLook);
      const ends = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(Math.max(0, lookAtMs - clock.monotonic()), ends).catch(() => {});
    }
  }

  /** Attaches the programs where they are not, and tries them. */
  async #look(balancer: Balancer, proof: Proof): Promise<void> {
    const state = balancer.state();
    const others = otherBalancers(state.flatMap((hook) => hook.others.map(({ name }) => name)));
    if (others.length > 0) {
      balancer.detach();
      const names = [...new Set(others)].join(', ');
      this.#say(`another product serves Services in socket calls of this node (BPF programs ${names})`);
      return;
    }
    if (state.some(({ isOurs }) => !isOurs)) await balancer.attach();
    const problem = await proof.findProblem();
    if (problem !== undefined) {
      this.#say(`${problem}; does the agent run in the cgroup that is served?`);
      return;
    }
    this.#failures = 0;
    this.#backOff.reset();
    this.#say('');
  }

  /** With an empty message, sockets are served. */
  #say(message: string, error?: unknown): void {
    const { log, tell } = this.#parts;
    this.isOn = message === '';
    if (message === this.#said) return;
    this.#said = message;
    if (this.isOn) {
      log.info({ entries: this.size }, 'Services are served in socket calls');
      return;
    }
    const err = error ?? new OrbError('SOCKET_SERVICES_OFF', { message });
    log.warn({ err }, `Services are not served in socket calls, and kube-proxy serves: ${message}`);
    tell(`Services are not served in socket calls: ${message}`);
  }
}
