// Addresses from several pools for one pod, all or nothing. The pools are chosen together. Then each pool's committer
// picks and writes the address, all at the same time. If a pool is full or gone by then, the other addresses are kept and
// choosing starts again. After any other error, what this request allocated is released.

import { errorText, type Logger, OrbError } from '#base';
import { formatAddress } from '#ip';
import { type Assignment, choosePools, type NicCandidates, nicOwner, type PodOwner } from '#plan/ipam';
import type { NicBinding } from './nic-binding.ts';
import { isPoolGone, type NodePools } from './node-pools.ts';

/** Who waits for the result, and the log for other failures. */
interface Caller {
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Throws if the addresses cannot be used. They are then given back. */
  readonly accept: (assignments: readonly Assignment[]) => Promise<void>;
  /** Which addresses the provider of an IaaS is asked about, by {@link Caller.accept}. */
  readonly binding: NicBinding | undefined;
}

/** Time limit of an undo. The DEL of the sandbox frees what the undo could not. */
const UNDO_TIMEOUT_MS = 5_000;

/** The outcome of one round of commits. */
interface Round {
  readonly assignments: Assignment[];
  /** Whether every pick was committed. If not, a pool was full or deleted by then, and choosing starts again. */
  readonly complete: boolean;
  /** A commit that failed for another reason. */
  readonly failed: PromiseRejectedResult | undefined;
}

export class Assigner {
  readonly #pools: NodePools;

  constructor(pools: NodePools) {
    this.#pools = pools;
  }

  /** Allocates in all chosen pools at the same time. If a pool turns out to be full, choosing starts again with current data. */
  async assign(owner: PodOwner, candidates: readonly NicCandidates[], caller: Caller): Promise<Assignment[]> {
    const made = new Map<string, Assignment>();
    try {
      for (;;) {
        caller.signal.throwIfAborted();
        const chosen = this.choose(owner, candidates);
        const { assignments, complete, failed } = await this.#commit(owner, chosen, caller);
        for (const one of assignments) if (!one.held) made.set(`${one.pool.name} ${one.nic}`, one);
        if (failed !== undefined) throw failed.reason;
        if (!complete) continue;
        requireDistinctAddresses(assignments);
        await caller.accept(assignments);
        return assignments;
      }
    } catch (error) {
      await this.#undo(owner.podUid, [...made.values()], caller);
      throw error;
    }
  }

  /** Chooses by what is known, and takes nothing. Throws IPPOOL_EXHAUSTED if nothing is free. */
  choose(owner: PodOwner, candidates: readonly NicCandidates[]): Assignment[] {
    return choosePools(owner, candidates, this.#pools, this.#pools.context);
  }

  async #commit(owner: PodOwner, chosen: readonly Assignment[], { signal, binding }: Caller): Promise<Round> {
    const commits = chosen.map(async (one) => {
      const requested = one.requested === true ? { requested: one.address } : {};
      // The record says it from the first moment, so that whoever frees the address asks the provider first.
      const iaas = binding?.covers(one) ? { iaas: binding.place } : {};
      const own = { ...nicOwner(owner, one.nic), ...iaas };
      const operation = { verb: 'allocate', owner: own, ...requested } as const;
      const outcome = await this.#pools.submit(one.pool.name, operation, signal);
      return outcome.verb === 'allocated' ? { ...one, address: outcome.address, held: outcome.held } : [];
    });
    const settled = await Promise.allSettled(commits);
    const assignments = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failed = settled
      .filter((one) => one.status === 'rejected')
      .find(({ reason }) => !isPoolGone(reason));
    return { assignments, complete: assignments.length === chosen.length, failed };
  }

  /** Frees what a failed request allocated. What the pod held before stays. */
  async #undo(podUid: string, made: readonly Assignment[], { log, binding }: Caller): Promise<void> {
    const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
    const undone = made.map(async (one) => {
      const { pool, nic } = one;
      try {
        const release = { scope: 'nic', podUid, nic } as const;
        if (binding?.covers(one) === true && !binding.mayBeBound)
          await this.#pools.free(pool.name, release, signal);
        else await this.#pools.release(pool.name, release, signal);
      } catch (error) {
        log.warn(
          { pool: pool.name, nic, error: errorText(error) },
          'could not undo an allocation; the DEL releases it',
        );
      }
    });
    await Promise.all(undone);
  }
}

/** Refuses one address from two pools: pools can overlap although admission forbids it. */
function requireDistinctAddresses(assignments: readonly Assignment[]): void {
  const seen = new Map<string, Assignment>();
  for (const assignment of assignments) {
    const text = formatAddress(assignment.address);
    const other = seen.get(text);
    if (other !== undefined) {
      const message = `IPPools ${other.pool.name} and ${assignment.pool.name} overlap: both gave ${text}, to NICs ${other.nic} and ${assignment.nic}`;
      throw new OrbError('IPPOOL_INVALID', { message, subject: `SpiderIPPool ${assignment.pool.name}` });
    }
    seen.set(text, assignment);
  }
}
