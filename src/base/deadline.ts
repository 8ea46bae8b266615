// Signals that say when they abort, for those who must tell another server how long its answer is waited for.

import type { Clock } from './clock.ts';

/** On a clock's `monotonic()`. */
const endsMs = new WeakMap<AbortSignal, number>();

/** Aborts with the first of these, and says when: at `atMs` of a clock's `monotonic()` at the latest. */
export function deadlineSignal(signals: readonly AbortSignal[], atMs: number): AbortSignal {
  const own = AbortSignal.any([...signals]);
  endsMs.set(own, atMs);
  return own;
}

/** How long the work of the signal may still take. Undefined if the signal does not say it. */
export function msLeft(signal: AbortSignal, clock: Pick<Clock, 'monotonic'>): number | undefined {
  const atMs = endsMs.get(signal);
  return atMs === undefined ? undefined : Math.max(0, atMs - clock.monotonic());
}
