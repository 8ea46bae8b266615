// One thing that is not as it should be: a sentence for CHECK, and the change that mends it.

import type { Change } from '#net';
import type { DesiredSysctl } from './desired.ts';

export interface Finding {
  /** `route 10.96.0.0/12 via 10.6.0.9 dev veth0 is missing from table main` */
  readonly problem: string;
  /** Something of ours that is no longer wanted: no fault of the present state. */
  readonly stale?: boolean;
  /** Another program's object stands where ours should: it stays. */
  readonly foreign?: boolean;
  readonly mend?: Mend;
  /** Why an ADD is refused for it, where there is no mend; COORDINATOR_LINK_TAKEN unless told. */
  readonly code?: 'COORDINATOR_LINK_TAKEN' | 'COORDINATOR_ROUTE_TAKEN';
}

/** What mends a finding; absent where the object is another plugin's. */
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

/** The changes of findings, in their order. */
export function changesOf(findings: readonly Finding[]): Change[] {
  return findings.flatMap(({ mend }) => (mend?.kind === 'change' ? [mend.change] : []));
}

/** The nft commands of findings, each once. */
export function nftCommandsOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ mend }) => (mend?.kind === 'nft' ? [mend.commands] : [])))];
}

/** What CHECK says: every fault, nothing of what is merely stale. */
export function mismatches(findings: readonly Finding[]): string[] {
  return findings.filter((finding) => finding.stale !== true).map((finding) => finding.problem);
}
