// Group commit, the pure part: many waiting operations on one pool become one new status and an answer for each.

import { type Address, formatAddress } from '#ip';
import type { Owner, PoolLedger } from './ledger.ts';
import { type PickContext, pickAddress } from './pick.ts';
import { type Release, releasedBy } from './release.ts';

/** One thing that waits for the next write of the pool. */
export type PoolOperation =
  | { readonly verb: 'allocate'; readonly owner: Owner }
  | { readonly verb: 'release'; readonly release: Release };

/** What became of one operation, valid once the status is written. */
export type PoolOutcome =
  /** `held`: the owner had the address before; an undo must leave it. */
  | { readonly verb: 'allocated'; readonly address: Address; readonly held: boolean }
  /** No address: exhausted, disabled, terminating; `reason` says which in Spiderpool's words. */
  | { readonly verb: 'refused'; readonly reason: string }
  | { readonly verb: 'released'; readonly addresses: readonly Address[] };

/** The result of {@link applyOperations}. */
export interface PoolBatch {
  /** One for each operation, in their order. */
  readonly outcomes: readonly PoolOutcome[];
  /** Whether anything must be written: repeated allocations and empty releases change nothing. */
  readonly changed: boolean;
  /** The pool after the write: `ledger.status` is what to write; keep it as `previous` for the next read when it succeeded. */
  readonly ledger: PoolLedger;
}

/**
 * Applies the operations to a copy of the ledger. Releases go first: they make room for the allocations of the same write.
 * On a conflict: read the pool anew and apply the whole batch again.
 */
export function applyOperations(
  ledger: PoolLedger,
  operations: readonly PoolOperation[],
  context: PickContext,
): PoolBatch {
  const next = ledger.copy();
  const resting = new Map(context.resting);
  let changed = false;
  const outcomes = new Array<PoolOutcome>(operations.length);
  for (const [index, operation] of operations.entries()) {
    if (operation.verb !== 'release') continue;
    const addresses = releasedBy(next, operation.release);
    for (const address of addresses) {
      next.drop(address);
      resting.set(formatAddress(address), context.nowMs);
    }
    changed ||= addresses.length > 0;
    outcomes[index] = { verb: 'released', addresses };
  }
  for (const [index, operation] of operations.entries()) {
    if (operation.verb !== 'allocate') continue;
    const pick = pickAddress(next, operation.owner, { ...context, resting });
    if (pick.address === undefined) {
      outcomes[index] = { verb: 'refused', reason: pick.reason };
      continue;
    }
    // Writing the NIC into a record of Spiderpool makes it ours for good.
    if (next.holderOf(pick.address)?.nic !== operation.owner.nic) {
      next.take(pick.address, operation.owner);
      changed = true;
    }
    outcomes[index] = { verb: 'allocated', address: pick.address, held: pick.held };
  }
  return { outcomes, changed, ledger: changed ? next : ledger };
}
