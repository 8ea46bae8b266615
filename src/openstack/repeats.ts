// When a request is sent again, and after which wait.

import { BackOff } from '#base';
import type { CloudAnswer } from './exchange.ts';

/** The longest Retry-After of a server that is obeyed. */
const RETRY_AFTER_MAXIMUM_MS = 10_000;
/** Statuses that a later repeat may not have: the server was away, or had too much to do. */
const passing = [429, 502, 503, 504];

/** The waits of one request. */
export const newRepeats = (): BackOff => new BackOff({ firstMs: 200, maximumMs: 5_000 });

/**
 * How long to wait before a request is sent again; undefined if it must not be. `isHarmless`: a second one does no harm,
 * whatever came of the first. That is so of a read, of a DELETE (what is gone stays gone), and of a login. Of others,
 * 429 alone says that nothing was done.
 */
export function repeatAfterMs(
  isHarmless: boolean,
  answer: CloudAnswer | undefined,
  waits: BackOff,
): number | undefined {
  if (answer === undefined) return isHarmless ? waits.next() : undefined;
  if (!passing.includes(answer.status)) return undefined;
  if (!isHarmless && answer.status !== 429) return undefined;
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(seconds * 1000, RETRY_AFTER_MAXIMUM_MS) : waits.next();
}
