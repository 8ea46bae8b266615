// One difference from the desired state: a sentence for CHECK, and the change that corrects it.

import type { NetworkChange } from '#net';
import type { DesiredSysctl } from '../state/index.ts';

export interface Finding {
  /** `route 10.96.0.0/12 via 10.6.0.9 dev veth0 is missing from table main` */
  readonly problem: string;
  /** An object of ours that is no longer wanted. CHECK does not report it as a fault. */
  readonly stale?: boolean;
  /** Another program's object is in the place of ours. It stays. */
  readonly foreign?: boolean;
  readonly fix?: Fix;
  /**
   * The error code with which ADD is refused when no change can correct the finding. COORDINATOR_LINK_TAKEN by default.
   */
  readonly code?: 'COORDINATOR_LINK_TAKEN' | 'COORDINATOR_ROUTE_TAKEN';
}

/** What corrects a finding. Absent if the object belongs to another plugin. */
export type Fix =
  | { readonly kind: 'change'; readonly change: NetworkChange }
  | { readonly kind: 'sysctl'; readonly sysctl: DesiredSysctl }
  | { readonly kind: 'nft'; readonly commands: string };

export function fixable(problem: string, change: NetworkChange): Finding {
  return { problem, fix: { kind: 'change', change } };
}

export function stale(problem: string, change: NetworkChange): Finding {
  return { ...fixable(`${problem} is stale`, change), stale: true };
}

export function foreign(problem: string): Finding {
  return { problem: `${problem}, which belongs to another program`, foreign: true };
}

/** The changes of the findings, in the same order. */
export function changesOf(findings: readonly Finding[]): NetworkChange[] {
  return findings.flatMap(({ fix }) => (fix?.kind === 'change' ? [fix.change] : []));
}

/** The nft commands of the findings, each only once. */
export function nftCommandsOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ fix }) => (fix?.kind === 'nft' ? [fix.commands] : [])))];
}

/** What CHECK reports: every fault, and no stale object. */
export function mismatches(findings: readonly Finding[]): string[] {
  return findings.filter((finding) => finding.stale !== true).map((finding) => finding.problem);
}
