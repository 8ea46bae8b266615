// How an agent changes one pool: the leading controller writes it for all agents together. Without a leader, the agent
// writes by itself.

import { isOrbError } from '#base';
import type { PickContext, PoolLedger, PoolOperation, PoolOutcome } from '#plan/ipam';
import type { LeaderLink } from './leader-link.ts';
import type { AgentPoolMetrics } from './metrics.ts';
import { type CommitterOptions, PoolCommitter } from './pool-committer.ts';

export interface PoolClientOptions extends CommitterOptions {
  readonly metrics: AgentPoolMetrics;
  /** Undefined if this agent always writes by itself. */
  readonly leader: LeaderLink | undefined;
}

/** How long a write may take whose caller has gone. */
const DOUBTFUL_MS = 10_000;

export class PoolClient {
  readonly #options: PoolClientOptions;
  readonly #own: PoolCommitter;
  #doubtfulUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: PoolClientOptions) {
    this.#options = options;
    // Where a leader may write too, only the runtime's DEL releases what an ADD left. The repeat of an ADD may have found
    // the record by the leader, and uses the address.
    this.#own = new PoolCommitter({ ...options, releasesAbandoned: options.leader === undefined });
  }

  /** The newest known records. Throws if the pool is gone or cannot be read. */
  get ledger(): PoolLedger {
    return this.#options.copy.ledger;
  }

  /** As {@link PoolClient.newestLedger}. The server is asked where this agent does not know them. */
  async certainLedger(): Promise<PoolLedger> {
    const { copy } = this.#options;
    if (this.doubtful) return (await copy.read()).ledger;
    try {
      return copy.newestLedger;
    } catch (error) {
      if (!isOrbError(error, 'IPPOOL_NOT_FOUND')) throw error;
      return (await copy.read()).ledger;
    }
  }

  /** As {@link PoolClient.ledger}, with the newest records of others. */
  get newestLedger(): PoolLedger {
    return this.#options.copy.newestLedger;
  }

  /** See {@link PoolCopy.mayName}. */
  mayName(text: string): boolean {
    return this.#options.copy.mayName(text);
  }

  /** Whether the server may hold more than {@link PoolClient.ledger} says. A release checks that. */
  get doubtful(): boolean {
    const { copy, clock } = this.#options;
    return copy.doubtful || clock.monotonic() < this.#doubtfulUntilMs;
  }

  /** Performs the operation. Rejects as {@link PoolCommitter.submit} does. */
  async submit(operation: PoolOperation, signal: AbortSignal): Promise<PoolOutcome> {
    try {
      return await this.#perform(operation, signal);
    } catch (error) {
      // What was begun may still be done.
      if (signal.aborted) this.#doubtfulUntilMs = this.#options.clock.monotonic() + DOUBTFUL_MS;
      throw error;
    }
  }

  async #perform(operation: PoolOperation, signal: AbortSignal): Promise<PoolOutcome> {
    const { copy, leader, metrics } = this.#options;
    if (leader === undefined) return this.#own.submit(operation, signal);
    const request = { operation, quarantined: this.#quarantined() };
    const answer = await leader.commit(copy.name, request, signal);
    if (answer === undefined) return this.#own.submit(operation, signal);
    metrics.led();
    copy.learn(operation, answer.outcome, answer.resourceVersion);
    // The agent chose this pool by records that were old. The next choice needs newer ones.
    if (answer.outcome.verb === 'refused') await copy.read();
    return answer.outcome;
  }

  /** Addresses in quarantine at this agent, and for how many milliseconds. */
  #quarantined(): ReadonlyMap<string, number> {
    const { quarantined = new Map<string, number>(), nowMs } = this.#context();
    return new Map(Array.from(quarantined, ([address, untilMs]) => [address, Math.max(0, untilMs - nowMs)]));
  }

  #context(): Pick<PickContext, 'quarantined' | 'nowMs'> {
    try {
      return this.#options.context();
    } catch (error) {
      // Reserved addresses that cannot be read are the leader's concern.
      if (!isOrbError(error)) throw error;
      return { nowMs: 0 };
    }
  }
}
