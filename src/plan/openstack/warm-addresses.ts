// How many addresses a port has ready for pods that come: when more are fetched, and which are taken off again.

import { isFree, isReady, type OwnAddress, type PortLedger } from './port-ledger.ts';

/** Counts are for each subnet. Nothing is kept ready for pods that ask for security groups of their own. */
export interface WarmLimits {
  /** Below it, more are fetched. */
  readonly low: number;
  /** Up to it they are fetched, and above it they are taken off. 0: none is kept. */
  readonly high: number;
}

/** The longest rest. One that lasts longer was written by a clock that has jumped. */
export const LONGEST_REST_MS = 600_000;

/**
 * How many addresses to fetch for a subnet. Those that rest come back soon, so they count as ready ones, unless nothing
 * else is left.
 */
export function toFetch(ledger: PortLedger, subnetId: string, { low, high }: WarmLimits): number {
  const free = ledger.addresses.filter(
    (own) => own.subnetId === subnetId && own.groups === null && isFree(own),
  );
  const ready = free.filter(isReady).length;
  return ready >= low ? 0 : Math.max(low - ready, high - free.length);
}

/** Marks as leaving what is ready above the limit. */
export function trimmed(ledger: PortLedger, { high }: WarmLimits): PortLedger {
  const kept = new Map<string, number>();
  const addresses = ledger.addresses.map((own) => {
    if (!isReady(own)) return own;
    const count = (kept.get(own.subnetId) ?? 0) + 1;
    if (own.groups === null) kept.set(own.subnetId, count);
    return own.groups !== null || count > high ? { ...own, leaving: true } : own;
  });
  return { ...ledger, addresses };
}

/** Whether the rest of an address is over. */
export function hasRested({ restsUntilMs }: OwnAddress, nowMs: number): boolean {
  return restsUntilMs !== null && (restsUntilMs <= nowMs || restsUntilMs > nowMs + LONGEST_REST_MS);
}

/** Ends the rests that were over at a time. No floating IP leads to these addresses any more. */
export function rested(ledger: PortLedger, atMs: number): PortLedger {
  const addresses = ledger.addresses.map((own) =>
    hasRested(own, atMs) ? { ...own, restsUntilMs: null } : own,
  );
  return { ...ledger, addresses };
}
