// Admission's checks of the network of SpiderIPPools and SpiderSubnets.

import { type FieldIssue, SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderSubnet } from '#api';
import { errorText } from '#base';
import { type Family, parseNetwork } from '#ip';
import { type NetworkSpec, type PoolNetwork, readPoolNetwork } from './pool-network.ts';

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

export interface NetworkVerdict {
  readonly issues: AdmissionIssue[];
  /** Undefined if the subnet cannot be read. */
  readonly network: PoolNetwork | undefined;
  /** Whether no other check says anything useful. */
  readonly isFinal: boolean;
}

/** Checks what pools and subnets have in common. */
export function validateNetwork<T extends SpiderIPPool | SpiderSubnet>(
  kind: 'IPPool' | 'Subnet',
  object: T,
  { old, families }: AdmissionContext<T>,
): NetworkVerdict {
  const { spec } = object;
  const final = (issues: AdmissionIssue[]) => ({ issues, network: undefined, isFinal: true });
  if (spec === undefined) return final([{ field: 'spec', value: undefined, message: 'is required' }]);
  if (isTerminating(object)) return final(terminatingIssues(kind, spec, old?.spec));
  const before: NetworkSpec | undefined = old?.spec;
  const fixed = old === undefined ? [] : immutableIssues<NetworkSpec>(spec, before, ['ipVersion', 'subnet']);
  if (fixed.length > 0) return final(fixed);
  const issues: AdmissionIssue[] = subnetIssues(spec, before);
  const network = readPoolNetwork(spec, issues);
  if (network !== undefined) issues.push(...versionIssues(spec.ipVersion, families));
  return { issues, network, isFinal: false };
}

/** Without our finalizer the object is about to disappear and may change. */
function isTerminating({ metadata }: SpiderIPPool | SpiderSubnet): boolean {
  return (
    metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(SPIDERPOOL_FINALIZER)
  );
}

export function terminatingIssues(kind: string, spec: unknown, old: unknown): AdmissionIssue[] {
  if (JSON.stringify(spec) === JSON.stringify(old)) return [];
  return [{ field: 'spec', value: spec, message: `cannot update a terminating ${kind}`, forbidden: true }];
}

export function immutableIssues<T extends object>(
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

export function versionIssues(version: Family | undefined, families: readonly Family[]): AdmissionIssue[] {
  const field = 'spec.ipVersion';
  if (version === undefined) return [{ field, value: version, message: 'is required: 4 or 6' }];
  if (families.includes(version)) return [];
  return [{ field, value: version, message: `IPv${version} is disabled`, forbidden: true }];
}

/**
 * The subnet must be canonical, unless it is already stored like this. {@link readPoolNetwork} reports text that is no
 * CIDR.
 */
function subnetIssues({ subnet }: NetworkSpec, old: NetworkSpec | undefined): AdmissionIssue[] {
  if (subnet === old?.subnet) return [];
  try {
    parseNetwork(subnet);
  } catch (error) {
    const message = errorText(error);
    if (message.startsWith('unformatted')) return [{ field: 'spec.subnet', value: subnet, message }];
  }
  return [];
}
