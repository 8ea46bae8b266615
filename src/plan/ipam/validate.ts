// Admission's checks of SpiderIPPools and SpiderReservedIPs, with Spiderpool's messages where it has them.

import { type LabelSelector, SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderReservedIP } from '#api';
import { isOrbError } from '#base';
import { AddressSet, cidrsOverlap, type Family, formatCidr, parseAddress, sameCidr } from '#ip';
import { type PoolNetwork, type PoolSpec, readPoolNetwork } from './pool-network.ts';
import { parseRecords } from './records.ts';
import { readReservedRanges } from './reserved.ts';
import { selectorIssues } from './selector-issues.ts';
import {
  type AdmissionContext,
  type AdmissionIssue,
  immutableIssues,
  terminatingIssues,
  validateNetwork,
  versionIssues,
} from './validate-network.ts';
import { unusableTexts } from './warnings.ts';

/** Checks a pool after {@link defaultPool}. `others` are all stored pools, with or without this one. */
export function validatePool(
  pool: SpiderIPPool,
  others: Iterable<SpiderIPPool>,
  { old, families }: AdmissionContext<SpiderIPPool>,
): AdmissionIssue[] {
  const { spec } = pool;
  const { issues, network, isFinal } = validateNetwork('IPPool', pool, { old, families });
  if (spec === undefined || isFinal) return issues;
  issues.push(...emptyAffinityIssues(spec.podAffinity), ...selectorIssues(spec, old?.spec));
  if (network === undefined) return issues;
  const before = old?.spec === undefined ? undefined : readPoolNetwork(old.spec, []);
  // Two stored pools that share an address may be repaired in several steps.
  const added =
    before?.family === network.family ? network.addresses.difference(before.addresses) : network.addresses;
  for (const other of others) {
    if (other.metadata.name !== pool.metadata.name)
      issues.push(...overlapIssues(network, added, spec, other));
  }
  issues.push(...nothingUsableIssues(network, spec, old?.spec));
  if (old !== undefined) issues.push(...inUseIssues(network, spec, old));
  return issues;
}

/** A pool with held addresses must not be deleted, if the cluster asks for that check. */
export function validatePoolDeletion(pool: SpiderIPPool): AdmissionIssue[] {
  const count = pool.status?.allocatedIPCount ?? 0;
  if (count === 0 || pool.metadata.finalizers?.includes(SPIDERPOOL_FINALIZER) === true) return [];
  const message = `cannot delete an IPPool with allocated IPs: ${count} are in use`;
  return [{ field: 'status.allocatedIPCount', value: count, message, forbidden: true }];
}

/** Checks a reservation after {@link defaultReservedIP}. */
export function validateReservedIP(
  reserved: SpiderReservedIP,
  { old, families }: AdmissionContext<SpiderReservedIP>,
): AdmissionIssue[] {
  const spec = reserved.spec ?? {};
  if (reserved.metadata.deletionTimestamp !== undefined) {
    return terminatingIssues('ReservedIP', spec, old?.spec);
  }
  const issues: AdmissionIssue[] = old === undefined ? [] : immutableIssues(spec, old.spec, ['ipVersion']);
  issues.push(...versionIssues(spec.ipVersion, families));
  readReservedRanges(reserved, issues);
  return issues;
}

function emptyAffinityIssues(selector: LabelSelector | undefined): AdmissionIssue[] {
  if (selector === undefined) return [];
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length + matchExpressions.length > 0) return [];
  const message = 'empty podAffinity is invalid for SpiderIPPool';
  return [{ field: 'spec.podAffinity', value: selector, message }];
}

/** Pools may have the same subnet if their addresses differ. Different subnets must not overlap. */
function overlapIssues(
  network: PoolNetwork,
  added: AddressSet,
  spec: PoolSpec,
  other: SpiderIPPool,
): AdmissionIssue[] {
  // An invalid pool gives out no address, so its readable part is enough.
  const theirs = other.spec === undefined ? undefined : readPoolNetwork(other.spec, []);
  if (theirs === undefined || !cidrsOverlap(network.subnet, theirs.subnet)) return [];
  const name = other.metadata.name ?? '';
  if (!sameCidr(network.subnet, theirs.subnet)) {
    const message = `overlap with IPPool ${name} which subnet is ${formatCidr(theirs.subnet)}`;
    return [{ field: 'spec.subnet', value: spec.subnet, message }];
  }
  const shared = added.intersection(theirs.addresses);
  if (shared.isEmpty) return [];
  const message = `overlap with IPPool ${name} in IP ranges [${shared.format().join(' ')}], total IP addresses of an IPPool are jointly determined by 'spec.ips' and 'spec.excludeIPs'`;
  return [{ field: 'spec.ips', value: spec.ips ?? [], message, forbidden: true }];
}

/**
 * Refuses a pool that offers addresses of which no machine may have any. A pool that is already stored like this may be
 * written again.
 */
function nothingUsableIssues(
  network: PoolNetwork,
  spec: PoolSpec,
  old: PoolSpec | undefined,
): AdmissionIssue[] {
  const { unusable, addresses } = network;
  if (unusable.isEmpty || !addresses.isEmpty) return [];
  if (old !== undefined && readPoolNetwork(old, [])?.unusable.equals(unusable)) return [];
  const texts = unusableTexts(network);
  return [
    { field: 'spec.ips', value: spec.ips ?? [], message: `no pod can get an address: ${texts.join(', ')}` },
  ];
}

/** A held address must stay in the pool. */
function inUseIssues(network: PoolNetwork, spec: PoolSpec, old: SpiderIPPool): AdmissionIssue[] {
  const before = old.spec === undefined ? undefined : readPoolNetwork(old.spec, []);
  if (before === undefined || before.family !== network.family) return [];
  const removed = before.addresses.difference(network.addresses);
  if (removed.isEmpty) return [];
  const held = heldAddresses(old, network.family);
  if (held === undefined) {
    const message = 'status.allocatedIPs cannot be read, so no address can be removed';
    return [{ field: 'spec.ips', value: spec.ips ?? [], message, forbidden: true }];
  }
  const lost = removed.intersection(held);
  if (lost.isEmpty) return [];
  const message = `remove IP ranges [${lost.format().join(' ')}] that is being used, total IP addresses of an IPPool are jointly determined by 'spec.ips' and 'spec.excludeIPs'`;
  return [{ field: 'spec.ips', value: spec.ips ?? [], message, forbidden: true }];
}

/** Undefined if the records cannot be read. */
function heldAddresses({ metadata, status }: SpiderIPPool, family: Family): AddressSet | undefined {
  try {
    const records = parseRecords(metadata.name ?? '', family, status?.allocatedIPs ?? '');
    return AddressSet.ofAddresses(family, Array.from(records.keys(), parseAddress));
  } catch (error) {
    if (isOrbError(error, 'IPPOOL_STATUS_INVALID')) return undefined;
    throw error;
  }
}
