// The last check of the records of each pool. Records are many and change often, so they are parsed once in a while.

import type { SpiderIPPool } from '#api';
import { keyOf } from '#kube';
import { type Unready, unreadableRecords } from '#plan/ipam';

/** The records of a pool that changes all the time are parsed once in this time. */
export const RECORDS_MS = 10_000;

interface RecordCheck {
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly text: string | undefined;
  readonly atMs: number;
  readonly result: Unready | undefined;
}

export class RecordChecks {
  readonly #last = new Map<string, RecordCheck>();

  /** What the records say. `isLate`: they have changed since, and must be asked for again after {@link RECORDS_MS}. */
  of(pool: SpiderIPPool, nowMs: number): { readonly result: Unready | undefined; readonly isLate: boolean } {
    const { uid, generation } = pool.metadata;
    const text = pool.status?.allocatedIPs;
    const last = this.#last.get(keyOf(pool));
    if (last?.uid === uid && last !== undefined) {
      const isSame = last.text === text && last.generation === generation;
      if (isSame || nowMs - last.atMs < RECORDS_MS)
        return { result: last.result, isLate: last.text !== text };
    }
    const result = unreadableRecords(pool);
    this.#last.set(keyOf(pool), { uid, generation, text, atMs: nowMs, result });
    return { result, isLate: false };
  }

  /** The pool of this key is gone. */
  forget(key: string): void {
    this.#last.delete(key);
  }
}
