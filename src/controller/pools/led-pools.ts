// The leader writes pools for all agents: operations of many agents that wait for one pool share one write.

import { type Clock, type Logger, OrbError } from '#base';
import { tryParseAddress } from '#ip';
import type { KubeClient } from '#kube';
import { type ReservedAddresses, reservedAddresses } from '#plan/ipam';
import {
  type CommitAnswer,
  type CommitRequest,
  type Gathering,
  KeptBack,
  PoolCommitter,
  PoolCopy,
  type PoolMetrics,
} from '#pools';
import type { Informers } from '#reconcile';
import type { addressKinds } from '../kinds.ts';

export interface LedPoolsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PoolMetrics;
  readonly informers: Informers<typeof addressKinds>;
  /** How long a released address is kept back while its pool has others. */
  readonly addressRestMs: number;
  /** How many agents are connected. */
  readonly agents: () => number;
}

/** What the leader has for one pool. */
interface LedPool {
  readonly copy: PoolCopy;
  readonly committer: PoolCommitter;
  readonly keptBack: KeptBack;
}

/**
 * The minimum time between two writes for each agent: every write goes to the watches of all of them. Requests are
 * gathered in this time.
 */
const GAP_PER_AGENT_MS = 1;
const gapLimitsMs = { least: 20, most: 200 } as const;
/** How many pods a kubelet starts at one time, at most. */
const REQUESTS_PER_AGENT = 16;

export class LedPools {
  readonly #options: LedPoolsOptions;
  readonly #pools = new Map<string, LedPool>();
  #reserved: ReservedAddresses | undefined;

  constructor(options: LedPoolsOptions) {
    this.#options = options;
    options.informers.subscribe((kind, { type, object }) => {
      if (kind === 'reserved') this.#reserved = undefined;
      else if (type === 'deleted') this.#pools.delete(object.metadata.name ?? '');
    });
  }

  /** Does the operation. Rejects as {@link PoolCommitter.submit} does. */
  async commit(
    name: string,
    { operation, quarantined }: CommitRequest,
    signal: AbortSignal,
  ): Promise<CommitAnswer> {
    const { copy, committer, keptBack } = this.#pool(name);
    for (const [text, forMs] of quarantined) {
      const address = tryParseAddress(text);
      if (address !== undefined) keptBack.quarantine([address], forMs);
    }
    const outcome = await committer.submit(operation, signal);
    return { outcome, resourceVersion: copy.newest.object.metadata.resourceVersion ?? '0' };
  }

  #pool(name: string): LedPool {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const { client, clock, log, metrics, informers, addressRestMs } = this.#options;
    const { pools } = informers.state;
    if (pools.get(name) === undefined) {
      const message = `spiderippools.spiderpool.spidernet.io "${name}" not found`;
      throw new OrbError('IPPOOL_NOT_FOUND', { message, subject: `SpiderIPPool ${name}` });
    }
    const keptBack = new KeptBack(clock, addressRestMs);
    const copy = new PoolCopy(
      name,
      client,
      () => pools.get(name),
      (before, after) => keptBack.note(before, after),
      clock,
    );
    const context = () => ({ reserved: this.#reservedNow, ...keptBack.context });
    const committer = new PoolCommitter({
      copy,
      clock,
      log,
      metrics,
      context,
      gathering: () => this.#gathering(),
      releasesAbandoned: false,
    });
    const pool = { copy, committer, keptBack };
    this.#pools.set(name, pool);
    return pool;
  }

  /** When every agent has all its requests here, no more will come. */
  #gathering(): Gathering {
    const agents = this.#options.agents();
    const gapMs = Math.min(Math.max(gapLimitsMs.least, GAP_PER_AGENT_MS * agents), gapLimitsMs.most);
    return { gapMs, fullBatch: REQUESTS_PER_AGENT * Math.max(1, agents) };
  }

  get #reservedNow(): ReservedAddresses {
    this.#reserved ??= reservedAddresses(this.#options.informers.state.reserved.list());
    return this.#reserved;
  }
}
