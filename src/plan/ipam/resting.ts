// When addresses were released, so that they can rest before someone else gets them.
//
// The pool does not say it: a record that Spiderpool can read has no place for it, and a second map in the status would grow
// every write. Each agent remembers instead which records it saw vanish between two states of a pool, whoever released them.
// An agent that just started knows nothing of the last 30 s; the gratuitous ARP of a new pod covers that.

import type { PoolLedger } from './ledger.ts';
import { DEFAULT_REST_MS } from './pick.ts';

/** The map with the addresses that `after` no longer records, and without those that have rested or are held again. */
export function noteReleases(
  resting: ReadonlyMap<string, number>,
  before: PoolLedger,
  after: PoolLedger,
  nowMs: number,
  restMs = DEFAULT_REST_MS,
): ReadonlyMap<string, number> {
  const noted = new Map<string, number>();
  for (const [address, releasedAtMs] of resting) {
    if (nowMs - releasedAtMs < restMs) noted.set(address, releasedAtMs);
  }
  for (const address of before.records.keys()) {
    if (!after.records.has(address)) noted.set(address, nowMs);
  }
  for (const address of noted.keys()) {
    if (after.records.has(address)) noted.delete(address);
  }
  return noted;
}
