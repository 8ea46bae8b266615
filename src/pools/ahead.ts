// What an agent knows of a pool before its watch does: the outcomes that the leading controller has told it.

import type { PoolLedger, PoolOperation, PoolOutcome } from '#plan/ipam';

export class Ahead {
  readonly #told: { readonly operation: PoolOperation; readonly outcome: PoolOutcome }[] = [];
  /** The version that shows all outcomes. */
  #version = 0n;
  /** The records with all outcomes, and the version of the records before. */
  #over: { readonly ledger: PoolLedger; readonly base: bigint } | undefined;

  get version(): bigint {
    return this.#version;
  }

  add(operation: PoolOperation, outcome: PoolOutcome, version: bigint): void {
    this.#told.push({ operation, outcome });
    if (version > this.#version) this.#version = version;
    if (this.#over !== undefined) apply(this.#over.ledger, operation, outcome);
  }

  /** The records of version `base` with all outcomes. Some of them may be in the records already. */
  over(ledger: PoolLedger, base: bigint): PoolLedger {
    if (this.#over?.base === base) return this.#over.ledger;
    const copy = ledger.copy();
    for (const { operation, outcome } of this.#told) apply(copy, operation, outcome);
    this.#over = { ledger: copy, base };
    return copy;
  }
}

function apply(ledger: PoolLedger, operation: PoolOperation, outcome: PoolOutcome): void {
  if (outcome.verb === 'released') for (const address of outcome.addresses) ledger.drop(address);
  if (operation.verb !== 'allocate' || outcome.verb !== 'allocated') return;
  const { address } = outcome;
  // In the old records, the address may still belong to the holder before.
  if (ledger.holderOf(address)?.podUid !== operation.owner.podUid) ledger.drop(address);
  ledger.take(address, operation.owner);
}
