// One difference from the desired state: a sentence for CHECK, and the change that corrects it.

import type { Change } from '#net';
import type { DesiredSysctl } from '../state/index.ts';

export interface Finding {
  /** `route 10.96.0.0/12 via 10.6.0.9 dev veth0 is missing from table main` */
  readonly problem: string;
  /** An object of ours that is no longer wanted. CHECK does not report it as a fault. */
  readonly stale?: boolean;
  /** Another program's object is in the place of ours. It stays. */
  readonly foreign?: boolean;
  readonly mend?: Mend;
  /**
   * The error code with which ADD is refused when no change can correct the finding. COORDINATOR_LINK_TAKEN by default.
   */
  readonly code?: 'COORDINATOR_LINK_TAKEN' | 'COORDINATOR_ROUTE_TAKEN';
}

/** What corrects a finding. Absent if the object belongs to another plugin. */
export type Mend =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'sysctl'; readonly sysctl: DesiredSysctl }
  | { readonly kind: 'nft'; readonly commands: string };

export function mending(problem: string, change: Change): Finding {
  return { problem, mend: { kind: 'change', change } };
}

export function stale(problem: string, change: Change): Finding {
  return { ...mending(`${problem} is stale`, change), stale: true };
}

export function foreign(problem: string): Finding {
  return { problem: `${problem}, of another program`, foreign: true };
}

/** The changes of the findings, in the same order. */
export function changesOf(findings: readonly Finding[]): Change[] {
  return findings.flatMap(({ mend }) => (mend?.kind === 'change' ? [mend.change] : []));
}

/** The nft commands of the findings, each only once. */
export function nftCommandsOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ mend }) => (mend?.kind === 'nft' ? [mend.commands] : [])))];
}

/** What CHECK reports: every fault, and no stale object. */
export function mismatches(findings: readonly Finding[]): string[] {
  return findings.filter((finding) => finding.stale !== true).map((finding) => finding.problem);
}
