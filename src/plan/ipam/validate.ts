// Admission's checks of SpiderIPPools and SpiderReservedIPs, with Spiderpool's messages where it has them.

import {
  type FieldIssue,
  type LabelSelector,
  SPIDERPOOL_FINALIZER,
  type SpiderIPPool,
  type SpiderReservedIP,
  selectorMatches,
} from '#api';
import { errorText, isOrbError } from '#base';
import { AddressSet, cidrsOverlap, type Family, formatCidr, parseAddress, parseNetwork, sameCidr } from '#ip';
import { type PoolNetwork, type PoolSpec, readPoolNetwork } from './pool-network.ts';
import { parseRecords } from './records.ts';
import { readReservedRanges } from './reserved.ts';
import { unusableTexts } from './warnings.ts';

/** One reason to refuse an object. */
export interface AdmissionIssue extends FieldIssue {
  /** The value has the right form, but the state of the cluster forbids it. */
  readonly forbidden?: boolean;
}

/** What an object is checked against. */
export interface AdmissionContext<T> {
  /** The stored object on an update. */
  readonly old?: T | undefined;
  /** The families that are enabled. */
  readonly families: readonly Family[];
}

/** Checks a pool after {@link defaultPool}. `others` are all stored pools, with or without this one. */
export function validatePool(
  pool: SpiderIPPool,
  others: Iterable<SpiderIPPool>,
  { old, families }: AdmissionContext<SpiderIPPool>,
): AdmissionIssue[] {
  const { spec } = pool;
  if (spec === undefined) return [{ field: 'spec', value: undefined, message: 'is required' }];
  if (isTerminating(pool)) return terminatingIssues('IPPool', spec, old?.spec);
  const fixed = old === undefined ? [] : immutableIssues(spec, old.spec, ['ipVersion', 'subnet']);
  if (fixed.length > 0) return fixed;
  const issues: AdmissionIssue[] = subnetIssues(spec, old?.spec);
  const network = readPoolNetwork(spec, issues);
  issues.push(...podAffinityIssues(spec.podAffinity));
  if (network === undefined) return issues;
  issues.push(...versionIssues(spec.ipVersion, families));
  for (const other of others) {
    if (other.metadata.name !== pool.metadata.name) issues.push(...overlapIssues(network, spec, other));
  }
  issues.push(...nothingUsableIssues(network, spec, old?.spec));
  if (old !== undefined) issues.push(...inUseIssues(network, spec, old));
  return issues;
}

/** A pool with held addresses must not be deleted, if the cluster asks for that check. */
export function validatePoolDeletion(pool: SpiderIPPool): AdmissionIssue[] {
  const count = pool.status?.allocatedIPCount ?? 0;
  if (count === 0) return [];
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

/** Without our finalizer the object is about to disappear and may change. */
function isTerminating({ metadata }: SpiderIPPool): boolean {
  return (
    metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(SPIDERPOOL_FINALIZER)
  );
}

function terminatingIssues(kind: string, spec: unknown, old: unknown): AdmissionIssue[] {
  if (JSON.stringify(spec) === JSON.stringify(old)) return [];
  return [{ field: 'spec', value: spec, message: `cannot update a terminating ${kind}`, forbidden: true }];
}

function immutableIssues<T extends object>(
  spec: T,
  old: T | undefined,
  fields: readonly (keyof T & string)[],
): AdmissionIssue[] {
  return fields
    .filter((field) => old?.[field] !== undefined && old[field] !== spec[field])
    .map((field) => ({
      field: `spec.${field}`,
      value: spec[field],
      message: `is not changeable: it is ${JSON.stringify(old?.[field])}`,
      forbidden: true,
    }));
}

function versionIssues(version: Family | undefined, families: readonly Family[]): AdmissionIssue[] {
  const field = 'spec.ipVersion';
  if (version === undefined) return [{ field, value: version, message: 'is required: 4 or 6' }];
  if (families.includes(version)) return [];
  return [{ field, value: version, message: `IPv${version} is disabled`, forbidden: true }];
}

/**
 * The subnet must be canonical, unless it is already stored like this. {@link readPoolNetwork} reports text that is no
 * CIDR.
 */
function subnetIssues({ subnet }: PoolSpec, old: PoolSpec | undefined): AdmissionIssue[] {
  if (subnet === old?.subnet) return [];
  try {
    parseNetwork(subnet);
  } catch (error) {
    const message = errorText(error);
    if (message.startsWith('unformatted')) return [{ field: 'spec.subnet', value: subnet, message }];
  }
  return [];
}

function podAffinityIssues(selector: LabelSelector | undefined): AdmissionIssue[] {
  if (selector === undefined) return [];
  const field = 'spec.podAffinity';
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
    return [{ field, value: selector, message: 'empty podAffinity is invalid for SpiderIPPool' }];
  }
  try {
    for (const expression of matchExpressions) selectorMatches({ matchExpressions: [expression] }, {});
    return [];
  } catch (error) {
    return [{ field, value: selector, message: errorText(error) }];
  }
}

/** Pools may have the same subnet if their addresses differ. Different subnets must not overlap. */
function overlapIssues(network: PoolNetwork, spec: PoolSpec, other: SpiderIPPool): AdmissionIssue[] {
  // An invalid pool gives out no address, so its readable part is enough.
  const theirs = other.spec === undefined ? undefined : readPoolNetwork(other.spec, []);
  if (theirs === undefined || !cidrsOverlap(network.subnet, theirs.subnet)) return [];
  const name = other.metadata.name ?? '';
  if (!sameCidr(network.subnet, theirs.subnet)) {
    const message = `overlap with IPPool ${name} which subnet is ${formatCidr(theirs.subnet)}`;
    return [{ field: 'spec.subnet', value: spec.subnet, message }];
  }
  const shared = network.addresses.intersection(theirs.addresses);
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
