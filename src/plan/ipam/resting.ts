// When addresses were released, so that they can rest before another pod gets them.
//
// The pool does not store it. A record that Spiderpool can read has no field for it. A second map in the status would
// make every write larger. Each agent remembers which records disappeared between two states of a pool, whoever
// released them. An agent that just started knows nothing of the last 30 s. The gratuitous ARP of a new pod covers that
// time.

import type { PoolLedger } from './ledger.ts';
import { DEFAULT_REST_MS } from './pick.ts';

/** Adds the addresses that `after` no longer records. Removes those that have rested or are held again. */
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
