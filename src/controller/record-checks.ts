// What the records of each pool say. They are many and change often, so they are parsed once in a while, for all controllers
// of this program.

import type { SpiderIPPool } from '#api';
import { keyOf } from '#kube';
import { type RecordsSight, seeRecords } from '#plan/ipam';

/** The records of a pool that changes all the time are parsed once in this time. */
export const RECORDS_MS = 10_000;

export interface RecordCheck {
  /** Undefined: the pool has no readable network. */
  readonly sight: RecordsSight | undefined;
  /** The records have changed since. They can be asked for again after {@link RECORDS_MS}. */
  readonly isLate: boolean;
}

interface LastCheck {
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly text: string | undefined;
  readonly atMs: number;
  readonly sight: RecordsSight | undefined;
}

export class RecordChecks {
  readonly #last = new Map<string, LastCheck>();

  of(pool: SpiderIPPool, nowMs: number): RecordCheck {
    const { uid, generation } = pool.metadata;
    const text = pool.status?.allocatedIPs;
    const key = keyOf(pool);
    const last = this.#last.get(key);
    if (last !== undefined && last.uid === uid) {
      const isLate = last.text !== text;
      const isSame = !isLate && last.generation === generation;
      if (isSame || nowMs - last.atMs < RECORDS_MS) return { sight: last.sight, isLate };
    }
    const sight = seeRecords(pool);
    this.#last.set(key, { uid, generation, text, atMs: nowMs, sight });
    return { sight, isLate: false };
  }

  /** The pool of this key is gone. */
  forget(key: string): void {
    this.#last.delete(key);
  }
}
