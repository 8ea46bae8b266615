// Candidates of an election for tests, each with a clock and a connection of its own, on one API server in memory.

import { once } from 'node:events';
import { type Lease, resources } from '#api';
import { type LogFields, type Logger, OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { KubeClient } from '#kube';
import { FakeKube } from '#kube/testing';
import { LeaderElection, type LeaderElectionOptions } from './leader-election.ts';

export const lease = { namespace: 'kube-system', name: 'orbweaver-controller' };

/** Lets everything run that does not wait for a clock. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const stepMs = 100;

/** One program. Its connection can be cut, and its clock can stand still. */
export class Candidate {
  readonly name: string;
  readonly clock: FakeClock;
  readonly client: KubeClient;
  readonly lines: LogFields[] = [];
  readonly #election: Election;
  /** What its calls do: reach the server, fail at once, or never end. */
  connection: 'up' | 'refused' | 'silent' = 'up';
  /** A machine that stands still, or a program that died. */
  isFrozen = false;
  /** The signal of its work, while it leads. */
  term: AbortSignal | undefined;
  /** Its work, until the signal aborts. */
  work: (signal: AbortSignal) => Promise<unknown> = (signal) => once(signal, 'abort');
  /** How long its work takes to end. */
  ending: Promise<void> = Promise.resolve();
  readonly #end = new AbortController();
  readonly #running: Promise<void>;

  constructor(election: Election, name: string, wallMs: number, more: Partial<LeaderElectionOptions>) {
    this.name = name;
    this.#election = election;
    this.clock = new FakeClock(wallMs);
    const note = (fields: LogFields) => void this.lines.push(fields);
    this.client = this.#connect();
    const log: Logger = { ...silentLogger, warn: note, error: note };
    const metrics = {
      worked: () => {},
      leads: (_: string, leads: boolean) => election.tell(`${name} metric ${leads ? 1 : 0}`),
    };
    this.#running = new LeaderElection({
      ...{ client: this.client, clock: this.clock, log, metrics, lease, identity: name },
      random: () => 0.5,
      lead: (signal) => this.#lead(signal),
      ...more,
    }).run(this.#end.signal);
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('stopped'));
    await turns();
    await this.#running;
  }

  /** Stops without waiting for the work at hand. */
  leave(): void {
    this.#end.abort(new Error('stopped'));
  }

  get leads(): boolean {
    return this.term?.aborted === false;
  }

  async #lead(signal: AbortSignal): Promise<void> {
    this.term = signal;
    this.#election.tell(`${this.name} leads`);
    await this.work(signal);
    this.#election.tell(`${this.name} ends`);
    await this.ending;
    this.term = undefined;
  }

  #connect(): KubeClient {
    return new Proxy(this.#election.kube as KubeClient, {
      get:
        (kube, method: keyof KubeClient) =>
        async (...given: unknown[]) => {
          if (this.connection === 'silent') await new Promise(() => {});
          if (this.connection === 'refused') throw new OrbError('KUBE_UNREACHABLE', { message: 'no route' });
          return (kube[method] as (...all: unknown[]) => unknown).apply(kube, given);
        },
    });
  }
}

export class Election {
  readonly kube = new FakeKube();
  /** What happened, each with the seconds since the start. */
  readonly told: string[] = [];
  readonly candidates: Candidate[] = [];
  /** The most that led at one moment. */
  mostLeaders = 0;
  #nowMs = 0;

  candidate(name: string, wallMs = 0, more: Partial<LeaderElectionOptions> = {}): Candidate {
    const candidate = new Candidate(this, name, wallMs, more);
    this.candidates.push(candidate);
    return candidate;
  }

  tell(text: string): void {
    this.told.push(`${this.#nowMs / 1000} ${text}`);
  }

  /** The seconds at which the first `text` was told. */
  at(text: string): number {
    const found = this.told.find((one) => one.endsWith(` ${text}`));
    return found === undefined ? Number.NaN : Number(found.split(' ')[0]);
  }

  get leaders(): string[] {
    return this.candidates.filter(({ leads }) => leads).map(({ name }) => name);
  }

  async pass(seconds: number): Promise<void> {
    for (const end = this.#nowMs + seconds * 1000; this.#nowMs < end; ) {
      this.#nowMs += stepMs;
      await Promise.all(
        this.candidates.filter((one) => !one.isFrozen).map((one) => one.clock.advance(stepMs)),
      );
      await turns();
      this.mostLeaders = Math.max(this.mostLeaders, this.leaders.length);
    }
  }

  async spec(): Promise<NonNullable<Lease['spec']>> {
    return (await this.kube.get(resources.leases, lease)).spec ?? {};
  }

  async stop(): Promise<void> {
    for (const one of this.candidates) {
      one.connection = 'refused';
      one.leave();
    }
    await turns();
  }
}
