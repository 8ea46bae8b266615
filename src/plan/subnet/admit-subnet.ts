// Admission of SpiderSubnets: their defaults, and why one is refused, with Spiderpool's messages.

import { SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderSubnet } from '#api';
import { isOrbError } from '#base';
import { cidrsOverlap, formatCidr, sameCidr } from '#ip';
import {
  type AdmissionContext,
  type AdmissionIssue,
  type PoolNetwork,
  readPoolNetwork,
  validateNetwork,
  withNetworkDefaults,
} from '#plan/ipam';
import { networkOfPool, rangesText } from './pool-write.ts';
import { SubnetLedger } from './subnet-ledger.ts';

const SUBNET_CIDR_LABEL = 'ipam.spidernet.io/subnet-cidr';

/** The subnet with version, finalizer, CIDR label and merged ranges. `old` is the stored one on an update. */
export function defaultSubnet(subnet: SpiderSubnet, old?: SpiderSubnet): SpiderSubnet {
  return withNetworkDefaults(subnet, old, SUBNET_CIDR_LABEL);
}

/** Checks a subnet after {@link defaultSubnet}. `others` and `pools` are all stored ones, with or without this one. */
export function validateSubnet(
  subnet: SpiderSubnet,
  { others, pools }: { readonly others: Iterable<SpiderSubnet>; readonly pools: Iterable<SpiderIPPool> },
  context: AdmissionContext<SpiderSubnet>,
): AdmissionIssue[] {
  const { issues, network } = validateNetwork('Subnet', subnet, context);
  if (network === undefined) return issues;
  if (context.old !== undefined) return [...issues, ...inUseIssues(subnet, network, context.old)];
  for (const other of others) {
    if (other.metadata.name !== subnet.metadata.name) issues.push(...overlapIssues(subnet, network, other));
  }
  for (const pool of pools) issues.push(...poolIssues(subnet, network, pool));
  return issues;
}

/**
 * A subnet goes with its pools, so it must not be gone while pods hold addresses of them. With our finalizer it waits for
 * them, and without it the deletion is refused.
 */
export function validateSubnetDeletion(
  { metadata, spec }: SpiderSubnet,
  pools: Iterable<SpiderIPPool>,
): AdmissionIssue[] {
  if (metadata.finalizers?.includes(SPIDERPOOL_FINALIZER) === true) return [];
  const network = spec === undefined ? undefined : readPoolNetwork(spec, []);
  if (network === undefined) return [];
  const held = Array.from(pools).filter((pool) => {
    const theirs = networkOfPool(pool);
    return (
      theirs !== undefined &&
      sameCidr(theirs.subnet, network.subnet) &&
      (pool.status?.allocatedIPCount ?? 0) > 0
    );
  });
  return held.map(({ metadata, status }) => ({
    field: 'spec.subnet',
    value: spec?.subnet,
    message: `cannot delete a Subnet with allocated IPs: ${status?.allocatedIPCount} of IPPool ${metadata.name} are in use`,
    forbidden: true,
  }));
}

function overlapIssues({ spec }: SpiderSubnet, network: PoolNetwork, other: SpiderSubnet): AdmissionIssue[] {
  const theirs = other.spec === undefined ? undefined : readPoolNetwork(other.spec, []);
  if (theirs === undefined || !cidrsOverlap(network.subnet, theirs.subnet)) return [];
  const message = `overlap with Subnet ${other.metadata.name} which 'spec.subnet' is ${other.spec?.subnet}`;
  return [{ field: 'spec.subnet', value: spec?.subnet, message }];
}

/** Pools that exist before their subnet must have its network, and none but its addresses. */
function poolIssues(
  { metadata, spec }: SpiderSubnet,
  network: PoolNetwork,
  pool: SpiderIPPool,
): AdmissionIssue[] {
  const theirs = networkOfPool(pool);
  if (theirs === undefined || !cidrsOverlap(network.subnet, theirs.subnet)) return [];
  const name = pool.metadata.name;
  if (!sameCidr(network.subnet, theirs.subnet)) {
    const message = `overlap with SpiderIPPool '${name}' resource 'spec.subnet' ${formatCidr(theirs.subnet)}`;
    return [{ field: 'spec.subnet', value: spec?.subnet, message }];
  }
  const outside = theirs.addresses.difference(network.addresses);
  if (outside.isEmpty) return [];
  const message = `SpiderIPPool '${name}' owns some IP addresses that SpiderSubnet '${metadata.name}' can't control: ${rangesText(outside)}`;
  return [{ field: 'spec.ips', value: spec?.ips ?? [], message }];
}

/** Addresses of pools must stay in the subnet. */
function inUseIssues({ spec }: SpiderSubnet, network: PoolNetwork, old: SpiderSubnet): AdmissionIssue[] {
  const ledger = tryRead(old);
  if (ledger === undefined || ledger.family !== network.family) return [];
  const removed = ledger.network.addresses.difference(network.addresses);
  return [...ledger.bookings].flatMap(([pool, { held }]) => {
    const lost = held.intersection(removed);
    if (lost.isEmpty) return [];
    const message = `remove some IP ranges ${rangesText(lost)} that is being used by IPPool ${pool}, total IP addresses of an Subnet are jointly determined by 'spec.ips' and 'spec.excludeIPs'`;
    return { field: 'spec.ips', value: spec?.ips ?? [], message, forbidden: true };
  });
}

/** Undefined if the subnet cannot be read. Then nothing is known of its pools, and its author must be able to repair it. */
export function tryRead(subnet: SpiderSubnet): SubnetLedger | undefined {
  try {
    return SubnetLedger.read(subnet);
  } catch (error) {
    if (isOrbError(error, 'SUBNET_INVALID')) return undefined;
    throw error;
  }
}
