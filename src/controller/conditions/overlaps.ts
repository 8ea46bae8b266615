// Which pools are left out because they share addresses with others. A change of one pool may concern others, so it is
// worked out for all at once, and again only when something that counts has changed.

import type { SpiderIPPool } from '#api';
import { keyOf } from '#kube';
import { OVERLAPPING_CONDITION, overlapNotes } from '#plan/ipam';
import type { AddressState } from '../kinds.ts';

export class Overlaps {
  /** What counts of each pool, by key. Undefined: it must be worked out again. */
  #seen: ReadonlyMap<string, string> | undefined;
  #notes: ReadonlyMap<string, string> = new Map();

  /** Everything may have changed. */
  forget(): void {
    this.#seen = undefined;
  }

  /** The pool of this key was added, changed or deleted. */
  changed(key: string, { pools }: AddressState): void {
    const pool = pools.get(key);
    if (this.#seen?.get(key) !== (pool && factsOf(pool))) this.#seen = undefined;
  }

  /** Why pools are left out, by name. `tell` gets each pool of which something else is known now. */
  now({ pools }: AddressState, tell: (pool: SpiderIPPool) => void): ReadonlyMap<string, string> {
    if (this.#seen !== undefined) return this.#notes;
    const all = pools.list();
    const before = this.#notes;
    const notes = overlapNotes(all);
    this.#seen = new Map(all.map((pool) => [keyOf(pool), factsOf(pool)]));
    this.#notes = notes;
    const isOther = ({ metadata: { name = '' } }: SpiderIPPool) => before.get(name) !== notes.get(name);
    for (const pool of all) if (isOther(pool)) tell(pool);
    return notes;
  }
}

/** Most changes of a pool are of its addresses in use. */
function factsOf({ metadata: { uid, generation }, status }: SpiderIPPool): string {
  const marked = status?.conditions?.find(({ type }) => type === OVERLAPPING_CONDITION)?.status;
  return [uid, generation, marked].join(' ');
}
