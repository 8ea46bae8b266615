// The pools that can serve a requested address: candidate pools that offer it. If there is none, the refusal says where
// the address is.

import { OrbError } from '#base';
import { cidrContains, type Family, formatAddress, formatCidr, sameAddress, unusableAddresses } from '#ip';
import type { FamilyCandidates, NicCandidates } from './candidates.ts';
import { type PoolCatalog, poolsWhere } from './catalog.ts';
import { type FilterContext, filterReason } from './filters.ts';
import type { Pool } from './pool.ts';
import type { AddressRequest, RequestedAddress } from './requested-address.ts';

/**
 * Refuses a request of a family of which the interface gets no address.
 * @throws OrbError ADDRESS_REQUEST_UNSERVED
 */
export function refuseUnservedFamily(
  candidate: NicCandidates,
  request: AddressRequest,
  enabled: readonly Family[],
): void {
  for (const requested of Object.values(request)) {
    const { family } = requested.address;
    if (!enabled.includes(family))
      throw unserved(candidate.nic, requested, `the cluster has IPv${family} disabled`);
    if (candidate.families.every((one) => one.family !== family)) {
      throw unserved(
        candidate.nic,
        requested,
        `${candidate.source} has no IPv${family} pool for this interface`,
      );
    }
  }
}

/**
 * The candidate pools that offer the requested address and serve the interface. Without `context`, every pool may serve
 * it.
 * @throws OrbError ADDRESS_REQUEST_UNSERVED if there is none
 */
export function requestCandidates(
  { nic, source }: NicCandidates,
  { family, pools }: FamilyCandidates,
  requested: RequestedAddress,
  catalog: PoolCatalog,
  context?: FilterContext,
): FamilyCandidates {
  const named = pools.flatMap((name) => catalog.pools.get(name) ?? []);
  const offering = named.filter((pool) => pool.addresses.contains(requested.address));
  const refusals = offering.map(
    (pool) => subnetReason(pool, requested) ?? (context && filterReason(pool, nic, family, context)),
  );
  const kept = offering.filter((_, index) => refusals[index] === undefined);
  const leftOut = refusals.filter((reason) => reason !== undefined);
  if (kept.length > 0) return { family, pools: kept.map(({ name }) => name), requested, leftOut };
  const list = `the IPv${family} pools [${pools.join(' ')}] of ${source}`;
  if (leftOut.length > 0) throw unserved(nic, requested, leftOut.join(', '));
  throw unserved(
    nic,
    requested,
    [`it is in none of ${list}`, ...hints(named, requested, catalog)].join('; '),
  );
}

function subnetReason({ name, subnet }: Pool, { prefixLength }: RequestedAddress): string | undefined {
  if (prefixLength === undefined || prefixLength === subnet.prefixLength) return undefined;
  return `IPPool ${name} offers it with the prefix length of its subnet ${formatCidr(subnet)}, not with /${prefixLength}`;
}

/** Where the address is instead. */
function hints(named: readonly Pool[], { address }: RequestedAddress, catalog: PoolCatalog): string[] {
  const near = named.filter(({ subnet }) => cidrContains(subnet, address));
  const others = poolsWhere(catalog, address.family, ({ addresses }) => addresses.contains(address));
  return [
    ...near.flatMap(({ name, excluded, subnet }) => {
      if (excluded.contains(address)) return `spec.excludeIPs of IPPool ${name} excludes it`;
      if (!unusableAddresses(subnet).some((special) => sameAddress(special, address))) return [];
      return `no machine may have it, because it is a special address of the subnet ${formatCidr(subnet)}`;
    }),
    ...others.map(({ name }) => `IPPool ${name} has it, but is not among them`),
  ];
}

function unserved(nic: string, { address, field }: RequestedAddress, why: string): OrbError {
  const message = `${field} requests ${formatAddress(address)} for interface ${nic}: ${why}`;
  return new OrbError('ADDRESS_REQUEST_UNSERVED', { message, subject: field });
}
