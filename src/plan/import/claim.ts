// Addresses that the imported program has written down as taken.

import type { WhereaboutsPool, WhereaboutsReservation } from '#api';
import { unreadableNote } from '#api';
import { type Address, maxPrefixLength, parseCidr, tryParseAddress } from '#ip';

/** One address that is taken. */
export interface Claim {
  readonly address: Address;
  /** `namespace/name` of the pod. Undefined if the program did not write it. */
  readonly pod: string | undefined;
  /** The interface in the pod. */
  readonly nic: string | undefined;
  /** Where it is written: `IPPool kube-system/10.6.0.0-24`. */
  readonly where: string;
}

/** `problems` are entries that nobody can read: their addresses are not known. */
export interface Claims {
  readonly claims: readonly Claim[];
  readonly problems: readonly string[];
}

/** What Whereabouts keeps in the cluster. `networks` are the values of `network_name`. */
export function whereaboutsClaims(
  pools: readonly WhereaboutsPool[],
  reservations: readonly WhereaboutsReservation[],
  networks: readonly string[],
): Claims {
  const all = [...pools.map(claimsOfPool), ...reservations.map((one) => claimOfReservation(one, networks))];
  return {
    claims: all.flatMap(({ claims }) => claims),
    problems: all.flatMap(({ problems }) => problems),
  };
}

function claimsOfPool(object: WhereaboutsPool): Claims {
  const where = `IPPool ${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
  const note = unreadableNote(object);
  const first = note === undefined ? firstAddress(object) : undefined;
  if (first === undefined) {
    const problem = note ?? `spec.range '${object.spec.range}' is no CIDR`;
    return { claims: [], problems: [`${where} cannot be read: ${problem}`] };
  }
  const claims: Claim[] = [];
  const problems: string[] = [];
  for (const [offset, { podref, ifname }] of Object.entries(object.spec.allocations)) {
    const address = addressAt(first, offset);
    if (address === undefined) problems.push(`${where} has an allocation at '${offset}', which is no offset`);
    else claims.push({ address, pod: podref, nic: ifname || undefined, where });
  }
  return { claims, problems };
}

/** Offsets count from the address that is written, also if it is not the first of its network. */
export function firstAddress({ spec }: WhereaboutsPool): Address | undefined {
  try {
    return parseCidr(spec.range).address;
  } catch {
    return undefined;
  }
}

function addressAt(first: Address, offset: string): Address | undefined {
  if (!/^\d{1,20}$/.test(offset)) return undefined;
  const value = first.value + BigInt(offset);
  return value >> BigInt(maxPrefixLength(first.family)) === 0n ? { ...first, value } : undefined;
}

/** The name is the address, after the name of the network if there is one (its pkg/storage/kubernetes, NormalizeIP). */
function claimOfReservation(object: WhereaboutsReservation, networks: readonly string[]): Claims {
  const { namespace = '', name = '' } = object.metadata;
  const where = `OverlappingRangeIPReservation ${namespace}/${name}`;
  const note = unreadableNote(object);
  if (note !== undefined) return { claims: [], problems: [`${where} cannot be read: ${note}`] };
  // `lan-2-fd00--5` is of the network `lan-2`, also beside a network `lan`. `fab-fd00--5` is of `fab`, and no address.
  const own = networks
    .filter((network) => name.startsWith(`${network}-`))
    .toSorted((a, b) => b.length - a.length);
  const address = [...own.map((network) => name.slice(network.length + 1)), name]
    .map((text) => tryParseAddress(text) ?? tryParseAddress(text.replaceAll('-', ':')))
    .find((one) => one !== undefined);
  // One of a network that no definition has any more concerns no pool of the import.
  if (address === undefined) return { claims: [], problems: [] };
  const { podref, ifname } = object.spec;
  return { claims: [{ address, pod: podref, nic: ifname || undefined, where }], problems: [] };
}
