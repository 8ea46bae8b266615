// Which address of a pool an owner gets. It gets the address that it holds. Otherwise it gets the lowest address that
// is free, not reserved and not resting.
//
// Each request picks twice. `choosePools` picks first, on the known records of all pools. It finds the pools that
// can serve all NICs of the pod together, and its addresses are tentative. `applyOperations` picks again, on the records
// that the pool's next write replaces. Only this pick counts: it becomes valid with the write.

import { type Address, AddressSet, type Family, formatAddress, parseAddress, sameAddress } from '#ip';
import type { AddressOwner, PoolLedger } from './ledger.ts';
import { closedReason } from './pool.ts';
import type { ReservedAddresses } from './reserved.ts';

/** How long a released address rests. In this time neighbours' ARP caches forget the last holder. */
export const DEFAULT_REST_MS = 30_000;

/** How long an address is not given out after another machine was seen to use it. */
export const QUARANTINE_MS = 600_000;

/**
 * The maximum size of a pool's records as text. An object is stored in one request, and etcd accepts 1.5 MiB.
 * Spiderpool's limit of 5,000 records has the same purpose.
 */
export const DEFAULT_MAXIMUM_BYTES = 1024 * 1024;

/** The other inputs of a pick. */
export interface PickContext {
  /** Addresses of each family that no pool may give out: see {@link reservedAddresses}. */
  readonly reserved: ReservedAddresses;
  /** When each address was released, by its text: see {@link noteReleases}. */
  readonly resting: ReadonlyMap<string, number>;
  /** Until when each address is not given out because another machine uses it, by its text. */
  readonly quarantined?: ReadonlyMap<string, number>;
  readonly nowMs: number;
  /** {@link DEFAULT_REST_MS} by default. */
  readonly restMs?: number;
  /** {@link DEFAULT_MAXIMUM_BYTES} by default. */
  readonly maximumBytes?: number;
}

/** An address, or why there is none. `held`: the owner already had it. */
export type Pick =
  | { readonly address: Address; readonly held: boolean }
  /** `isTaken`: another pod or machine has the requested address now. */
  | { readonly address: undefined; readonly reason: string; readonly isTaken?: boolean };

/**
 * Picks an address and does not record it. With `requested`, the owner gets this address or none, also if it rests. What
 * the owner holds already, it keeps.
 */
export function pickAddress(
  ledger: PoolLedger,
  owner: AddressOwner,
  context: PickContext,
  requested?: Address,
): Pick {
  const { pool } = ledger;
  const held = ledger.addressOf(owner);
  if (held !== undefined) return { address: held, held: true };
  const left = owner.fixed === true ? ledger.addressLeftTo(owner) : undefined;
  // It is no new address, so an undo must not release it.
  if (left !== undefined && (requested === undefined || sameAddress(requested, left))) {
    return { address: left, held: true };
  }
  const closed = closedReason(pool);
  if (closed !== undefined) return { address: undefined, reason: closed };
  // Spiderpool's texts (pkg/ippoolmanager). Users and scripts search for them.
  const maximumBytes = context.maximumBytes ?? DEFAULT_MAXIMUM_BYTES;
  if (ledger.bytes >= maximumBytes) {
    const reason = `all IP addresses used out, threshold of IP records(<=${maximumBytes} bytes) for IPPool ${pool.name} exceeded`;
    return { address: undefined, reason };
  }
  if (requested !== undefined) return pickRequested(ledger, requested, context);
  const address = lowestFree(ledger, context);
  if (address === undefined) return { address, reason: emptyReason(ledger, context) };
  return { address, held: false };
}

function pickRequested(ledger: PoolLedger, address: Address, context: PickContext): Pick {
  const text = formatAddress(address);
  const refused = (reason: string, isTaken = false) => ({ address: undefined, reason, isTaken });
  const holder = ledger.holderOf(address);
  if (holder !== undefined) {
    const nic = holder.nic === undefined ? '' : ` for interface ${holder.nic}`;
    return refused(`Pod ${holder.pod} holds it${nic}`, true);
  }
  if (!ledger.free.contains(address)) return refused('the pool does not offer it any more');
  if (context.reserved[address.family].contains(address)) return refused('a SpiderReservedIP reserves it');
  const isQuarantined = (context.quarantined?.get(text) ?? context.nowMs) > context.nowMs;
  if (isQuarantined) return refused('another machine uses it', true);
  const { provision } = ledger.pool;
  if (provision !== undefined && !provision.ready.contains(address))
    return refused(`provider ${provision.provider} has not made it ready`, true);
  return { address, held: false };
}

/**
 * The lowest address that has rested. If all free addresses still rest, the one that has rested longest. Never one in
 * quarantine.
 */
function lowestFree(ledger: PoolLedger, context: PickContext): Address | undefined {
  const { resting, quarantined, nowMs, restMs = DEFAULT_REST_MS } = context;
  const reserved = context.reserved[ledger.pool.family];
  let longest: { address: Address; releasedAtMs: number } | undefined;
  const rested = ledger.offered.first(reserved, (address) => {
    const text = formatAddress(address);
    if ((quarantined?.get(text) ?? nowMs) > nowMs) return true;
    const releasedAtMs = resting.get(text);
    if (releasedAtMs === undefined || nowMs - releasedAtMs >= restMs) return false;
    if (longest === undefined || releasedAtMs < longest.releasedAtMs) longest = { address, releasedAtMs };
    return true;
  });
  return rested ?? longest?.address;
}

/** Why no free address can be given out. A resting address is never the reason: without others, it is given out. */
function emptyReason({ free, offered, pool }: PoolLedger, context: PickContext): string {
  if (free.isEmpty) return 'all IP addresses used out';
  const unready = free.difference(offered);
  const reserved = free.intersection(context.reserved[pool.family]);
  const quarantined = free.intersection(quarantinedIn(pool.family, context)).difference(reserved);
  const reasons = [
    ...(reserved.isEmpty ? [] : [`SpiderReservedIPs reserve ${reserved.format().join(' ')}`]),
    ...(quarantined.isEmpty
      ? []
      : [`other machines use ${quarantined.format().join(' ')}, which is in quarantine`]),
    ...(unready.isEmpty ? [] : [unreadyReason(unready, pool)]),
  ];
  return `no free IP address may be given out: ${reasons.join('; ')}`;
}

function unreadyReason(unready: AddressSet, { provision }: PoolLedger['pool']): string {
  const why = provision?.problem === undefined ? '' : ` (${provision.problem})`;
  return `provider ${provision?.provider} has not made ready ${unready.format().join(' ')}${why}`;
}

function quarantinedIn(family: Family, { quarantined }: PickContext): AddressSet {
  const all = Array.from(quarantined?.keys() ?? [], parseAddress);
  return AddressSet.ofAddresses(
    family,
    all.filter((address) => address.family === family),
  );
}
