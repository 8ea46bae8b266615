// Applications that need pools of the same subnets at the same time. Their bookings become one write of each subnet.

import { abortable } from '#base';
import type { ApplicationFacts, ApplicationPlan } from '#plan/subnet';

export type CarvingQuestion = Pick<ApplicationFacts, 'application' | 'living' | 'asker'>;

/** One application that waits until nothing is left to do for it. */
export interface Unsettled {
  readonly question: CarvingQuestion;
  /** Ends its wait. */
  readonly settle: (plan: ApplicationPlan) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Works for all of `unsettled` until the set is empty: who settles or fails leaves it. Others may join meanwhile. The signal
 * aborts when all callers have gone. `key` names the subnets.
 */
export type Work = (key: string, unsettled: ReadonlySet<Unsettled>, signal: AbortSignal) => Promise<void>;

interface Group {
  readonly unsettled: Set<Unsettled>;
  readonly left: AbortController;
}

/** A group for each set of subnets. */
export class SharedSettling {
  readonly #work: Work;
  readonly #groups = new Map<string, Group>();

  constructor(work: Work) {
    this.#work = work;
  }

  /** Resolves when nothing is left to do for the application. Rejects with the signal's reason if it aborts first. */
  async settle(key: string, question: CarvingQuestion, signal: AbortSignal): Promise<ApplicationPlan> {
    signal.throwIfAborted();
    const over = Promise.withResolvers<ApplicationPlan>();
    const group = this.#groups.get(key) ?? this.#begin(key);
    const leave = () => {
      group.unsettled.delete(one);
      if (group.unsettled.size > 0) return;
      this.#end(key, group);
      group.left.abort(new Error('nobody waits for the pools any more'));
    };
    const one: Unsettled = {
      question,
      settle: (plan) => {
        group.unsettled.delete(one);
        over.resolve(plan);
      },
      fail: (error) => {
        group.unsettled.delete(one);
        over.reject(error);
      },
    };
    group.unsettled.add(one);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await abortable(over.promise, signal);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #begin(key: string): Group {
    const group: Group = { unsettled: new Set(), left: new AbortController() };
    this.#groups.set(key, group);
    void this.#run(key, group);
    return group;
  }

  async #run(key: string, group: Group): Promise<void> {
    const { unsettled, left } = group;
    // Whoever asks in this turn of the event loop joins.
    await Promise.resolve();
    // Somebody may have joined after the work saw an empty set.
    while (unsettled.size > 0) {
      try {
        await this.#work(key, unsettled, left.signal);
      } catch (error) {
        for (const { fail } of [...unsettled]) fail(error);
      }
    }
    this.#end(key, group);
  }

  /** The next caller begins a new group. */
  #end(key: string, group: Group): void {
    if (this.#groups.get(key) === group) this.#groups.delete(key);
  }
}
