// The pure part of group commit: many waiting operations on one pool become one new status and one answer each.

import { type Address, formatAddress } from '#ip';
import { samePlace } from './iaas-place.ts';
import type { AddressOwner, PoolLedger } from './ledger.ts';
import { type PickContext, pickAddress } from './pick.ts';
import { type Release, releasedBy } from './release.ts';

/** One operation that waits for the next write of the pool. */
export type PoolOperation =
  /** `requested`: only this address will do. */
  | { readonly verb: 'allocate'; readonly owner: AddressOwner; readonly requested?: Address }
  | { readonly verb: 'release'; readonly release: Release };

/** The result of one operation. It is valid only after the status is written. */
export type PoolOutcome =
  /** `held`: the owner already had the address, so an undo must not release it. */
  | { readonly verb: 'allocated'; readonly address: Address; readonly held: boolean }
  /** No address: the pool is exhausted, disabled or terminating. `reason` says which, in Spiderpool's words. */
  | { readonly verb: 'refused'; readonly reason: string }
  | { readonly verb: 'released'; readonly addresses: readonly Address[] };

/** The result of {@link applyOperations}. */
export interface PoolBatch {
  /** One outcome for each operation, in the same order. */
  readonly outcomes: readonly PoolOutcome[];
  /** Whether a write is needed. Repeated allocations and empty releases change nothing. */
  readonly changed: boolean;
  /**
   * The pool after the write. Write `ledger.status`. After a successful write, keep the ledger as `previous` for the
   * next read.
   */
  readonly ledger: PoolLedger;
}

/**
 * Applies the operations to a copy of the ledger. Its picks are those that count: see pick.ts. Releases come first,
 * because they free addresses for the allocations of the same write. After a conflict, read the pool again and apply
 * the whole batch again.
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
    const pick = pickAddress(next, operation.owner, { ...context, resting }, operation.requested);
    if (pick.address === undefined) {
      outcomes[index] = { verb: 'refused', reason: pick.reason };
      continue;
    }
    // If the NIC is written into a record of Spiderpool, the record is ours permanently.
    const holder = next.holderOf(pick.address);
    const { nic, podUid, iaas } = operation.owner;
    const isElsewhere = iaas !== undefined && !samePlace(holder?.iaas, iaas);
    if (holder?.nic !== nic || holder.podUid !== podUid || isElsewhere) {
      next.take(pick.address, operation.owner);
      changed = true;
    }
    outcomes[index] = { verb: 'allocated', address: pick.address, held: pick.held };
  }
  return { outcomes, changed, ledger: changed ? next : ledger };
}
