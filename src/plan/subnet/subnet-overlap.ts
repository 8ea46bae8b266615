// Stored subnets that share addresses with others. Admission refuses them, but objects may be stored past it.

import type { SpiderIPPool, SpiderSubnet } from '#api';
import { type Cidr, cidrsOverlap, formatRange, sameCidr } from '#ip';
import { OVERLAPPING_CONDITION, type PoolNetwork, storedNetwork } from '#plan/ipam';

/** No pool gets new addresses of such a subnet: an older one has addresses of its network. */
export const NETWORK_OF_ANOTHER_SUBNET = 'NetworkOfAnotherSubnet';

/** Reason and message of the condition. */
export interface SubnetOverlap {
  readonly reason: typeof NETWORK_OF_ANOTHER_SUBNET | 'AddressesOfAnotherPool';
  readonly message: string;
}

/** Why no pool gets new addresses of the subnet. Undefined if pools get them. */
export function subnetOverlapNote({ status }: SpiderSubnet): string | undefined {
  const found = status?.conditions?.find(({ type }) => type === OVERLAPPING_CONDITION);
  return found?.status === 'True' && found.reason === NETWORK_OF_ANOTHER_SUBNET
    ? (found.message ?? '')
    : undefined;
}

/**
 * The subnets that overlap, by name. Of two subnets the older one keeps its network; of the same second, the one whose
 * addresses are in pools, and then the first by name. One that is left out stays so while the overlap lasts. A pool of
 * another network leaves no subnet out: pools are made of the other addresses.
 */
export function subnetOverlaps(
  subnets: Iterable<SpiderSubnet>,
  pools: Iterable<SpiderIPPool>,
): ReadonlyMap<string, SubnetOverlap> {
  const found = new Map<string, SubnetOverlap>();
  const kept: Kept[] = [];
  const ranked = Array.from(subnets, (subnet) => ({ subnet, rank: rankOf(subnet) })).toSorted((a, b) =>
    a.rank < b.rank ? -1 : 1,
  );
  for (const { subnet } of ranked) {
    const { name = '' } = subnet.metadata;
    const network = subnet.spec && storedNetwork(subnet.spec);
    if (network === undefined) continue;
    const rivals = kept.filter((other) => cidrsOverlap(other.network.subnet, network.subnet));
    if (rivals.length === 0) kept.push({ name, network, text: subnet.spec?.subnet ?? '' });
    else found.set(name, { reason: NETWORK_OF_ANOTHER_SUBNET, message: rivalsNote(rivals) });
  }
  const byNetwork = Map.groupBy(pools, ({ spec }) => spec?.subnet ?? '');
  for (const { name, network } of kept) {
    const message = poolsNote(network, byNetwork.values());
    if (message !== undefined) found.set(name, { reason: 'AddressesOfAnotherPool', message });
  }
  return found;
}

interface Kept {
  readonly name: string;
  readonly network: PoolNetwork;
  /** `spec.subnet`. */
  readonly text: string;
}

function rivalsNote(rivals: readonly Kept[]): string {
  const names = rivals.map(({ name, text }) => `Subnet ${name} which 'spec.subnet' is ${text}`);
  return `overlap with ${names.join(' and ')}: no IPPool gets new addresses of this Subnet until this is solved`;
}

/** `networks`: the pools of each network. There are many pools and few networks. */
function poolsNote(
  { subnet, addresses }: PoolNetwork,
  networks: Iterable<readonly SpiderIPPool[]>,
): string | undefined {
  const foreign = Array.from(networks).filter(([first]) => {
    const network = first?.spec && storedNetwork(first.spec);
    return network !== undefined && isForeign(network.subnet, subnet);
  });
  const rivals = foreign.flat().flatMap(({ metadata, spec }) => {
    const shared = spec && storedNetwork(spec)?.addresses.intersection(addresses);
    if (shared === undefined || shared.isEmpty) return [];
    const ranges = shared.ranges.slice(0, MOST_RANGES).map(formatRange);
    const more = shared.ranges.length > MOST_RANGES ? ' …' : '';
    return [`IPPool ${metadata.name} in IP ranges [${ranges.join(' ')}${more}]`];
  });
  if (rivals.length === 0) return undefined;
  return `overlap with ${rivals.join(' and ')}, which has another 'spec.subnet': no automatic IPPool gets these addresses`;
}

/** A message stays short. */
const MOST_RANGES = 8;

/** A pool of the same network belongs to the subnet. */
function isForeign(pool: Cidr, subnet: Cidr): boolean {
  return cidrsOverlap(pool, subnet) && !sameCidr(pool, subnet);
}

/** Sorts as text: marked subnets last, then by age, use and name. */
function rankOf(subnet: SpiderSubnet): string {
  const { creationTimestamp, name = '' } = subnet.metadata;
  const marked = subnetOverlapNote(subnet) === undefined ? '0' : '1';
  const used = (subnet.status?.allocatedIPCount ?? 0) > 0 ? '0' : '1';
  return [marked, creationTimestamp ?? '', used, name].join(' ');
}
