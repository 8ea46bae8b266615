// Addresses from several pools for one pod, all or nothing: chosen together, committed at once, undone when one is refused.

import { errorText, type Logger, OrbError } from '#base';
import { formatAddress } from '#ip';
import { type Assignment, chooseAddresses, type NicCandidates, type Owner } from '#plan/ipam';
import { isPoolGone, type NodePools } from './node-pools.ts';

/** A pod as the holder of addresses. */
export type PodOwner = Omit<Owner, 'nic'>;

/** Who waits, and where it is told what went wrong besides. */
interface Caller {
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** How long an undo may take; what it leaves, the DEL of the sandbox frees. */
const undoTimeoutMs = 5_000;

/** What came of one round of commits. */
interface Round {
  readonly assignments: Assignment[];
  /** Every choice was taken; else some pool was full or gone by then, and the choice begins again. */
  readonly whole: boolean;
  /** A commit failed for another reason. */
  readonly failed: PromiseRejectedResult | undefined;
}

export class Assigner {
  readonly #pools: NodePools;

  constructor(pools: NodePools) {
    this.#pools = pools;
  }

  /** Allocates in every pool at once; a pool that turns out to be full makes the choice begin again with what is known now. */
  async assign(owner: PodOwner, candidates: readonly NicCandidates[], caller: Caller): Promise<Assignment[]> {
    const pools = this.#pools;
    const made = new Map<string, Assignment>();
    try {
      for (;;) {
        caller.signal.throwIfAborted();
        const chosen = chooseAddresses(owner, candidates, (pool) => pools.ledger(pool), pools.context);
        const { assignments, whole, failed } = await this.#commit(owner, chosen, caller.signal);
        for (const one of assignments) if (!one.held) made.set(`${one.pool.name} ${one.nic}`, one);
        if (failed !== undefined) throw failed.reason;
        if (whole) return refuseTwins(assignments);
      }
    } catch (error) {
      await this.#undo(owner.podUid, [...made.values()], caller.log);
      throw error;
    }
  }

  async #commit(owner: PodOwner, chosen: readonly Assignment[], signal: AbortSignal): Promise<Round> {
    const commits = chosen.map(async (one) => {
      const operation = { verb: 'allocate', owner: { ...owner, nic: one.nic } } as const;
      const outcome = await this.#pools.submit(one.pool.name, operation, signal);
      return outcome.verb === 'allocated' ? { ...one, address: outcome.address, held: outcome.held } : [];
    });
    const settled = await Promise.allSettled(commits);
    const assignments = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failed = settled
      .filter((one) => one.status === 'rejected')
      .find(({ reason }) => !isPoolGone(reason));
    return { assignments, whole: assignments.length === chosen.length, failed };
  }

  /** Frees what a failed request was given: what the pod held before stays. */
  async #undo(podUid: string, made: readonly Assignment[], log: Logger): Promise<void> {
    const signal = AbortSignal.timeout(undoTimeoutMs);
    const undone = made.map(async ({ pool, nic }) => {
      try {
        const release = { scope: 'nic', podUid, nic, lastNic: false } as const;
        await this.#pools.submit(pool.name, { verb: 'release', release }, signal);
      } catch (error) {
        log.warn(
          { pool: pool.name, nic, error: errorText(error) },
          'could not undo an allocation: the DEL frees it',
        );
      }
    });
    await Promise.all(undone);
  }
}

/** Pools that overlap in spite of admission may give one pod one address twice. */
function refuseTwins(assignments: Assignment[]): Assignment[] {
  const seen = new Map<string, Assignment>();
  for (const assignment of assignments) {
    const text = formatAddress(assignment.address);
    const twin = seen.get(text);
    if (twin !== undefined) {
      const message = `IPPools ${twin.pool.name} and ${assignment.pool.name} overlap: both gave ${text}, to NICs ${twin.nic} and ${assignment.nic}`;
      throw new OrbError('IPPOOL_INVALID', { message, subject: `SpiderIPPool ${assignment.pool.name}` });
    }
    seen.set(text, assignment);
  }
  return assignments;
}
