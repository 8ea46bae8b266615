// Which address of a pool an owner gets: the one it holds, else the lowest that is free, not reserved and rested.

import { type Address, formatAddress } from '#ip';
import type { Owner, PoolLedger } from './ledger.ts';
import { closedReason } from './pool.ts';
import type { ReservedAddresses } from './reserved.ts';

/** How long a released address rests, so that neighbours' ARP caches forget the last holder. */
export const DEFAULT_REST_MS = 30_000;

/** How long an address that another machine was seen to use is kept back. */
export const QUARANTINE_MS = 600_000;

/**
 * How large the records of a pool may grow as text: an object of the API is stored in one request, and etcd takes 1.5 MiB.
 * Spiderpool's limit of 5,000 records stands for the same.
 */
export const DEFAULT_MAXIMUM_BYTES = 1024 * 1024;

/** What else a pick depends on. */
export interface PickContext {
  /** Addresses that no pool may hand out, for each family: see {@link reservedAddresses}. */
  readonly reserved: ReservedAddresses;
  /** When addresses were released, by text: see {@link noteReleases}. */
  readonly resting: ReadonlyMap<string, number>;
  /** Until when addresses are not given at all, because another machine uses them, by text. */
  readonly quarantined?: ReadonlyMap<string, number>;
  readonly nowMs: number;
  /** {@link DEFAULT_REST_MS} unless told. */
  readonly restMs?: number;
  /** {@link DEFAULT_MAXIMUM_BYTES} unless told. */
  readonly maximumBytes?: number;
}

/** An address, or why there is none. `held`: the owner had it before. */
export type Pick =
  | { readonly address: Address; readonly held: boolean }
  | { readonly address: undefined; readonly reason: string };

/** Picks without recording it. */
export function pickAddress(ledger: PoolLedger, owner: Owner, context: PickContext): Pick {
  const { pool } = ledger;
  const held = ledger.addressOf(owner);
  if (held !== undefined) return { address: held, held: true };
  const closed = closedReason(pool);
  if (closed !== undefined) return { address: undefined, reason: closed };
  // Spiderpool's texts, pkg/ippoolmanager: users and scripts look for them.
  const maximumBytes = context.maximumBytes ?? DEFAULT_MAXIMUM_BYTES;
  if (ledger.bytes >= maximumBytes) {
    const reason = `all IP addresses used out, threshold of IP records(<=${maximumBytes} bytes) for IPPool ${pool.name} exceeded`;
    return { address: undefined, reason };
  }
  const address = lowestFree(ledger, context);
  if (address === undefined) return { address, reason: 'all IP addresses used out' };
  return { address, held: false };
}

/** The lowest rested address, or where all that is left still rests, the one that has rested longest; none in quarantine. */
function lowestFree(ledger: PoolLedger, context: PickContext): Address | undefined {
  const { resting, quarantined, nowMs, restMs = DEFAULT_REST_MS } = context;
  const reserved = context.reserved[ledger.pool.family];
  let longest: { address: Address; releasedAtMs: number } | undefined;
  const rested = ledger.free.first(reserved, (address) => {
    const text = formatAddress(address);
    if ((quarantined?.get(text) ?? nowMs) > nowMs) return true;
    const releasedAtMs = resting.get(text);
    if (releasedAtMs === undefined || nowMs - releasedAtMs >= restMs) return false;
    if (longest === undefined || releasedAtMs < longest.releasedAtMs) longest = { address, releasedAtMs };
    return true;
  });
  return rested ?? longest?.address;
}
