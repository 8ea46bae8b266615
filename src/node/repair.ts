// Compares a running pod with its plan and repairs it: what ADD made, and what the plugins before it made.

import {
  type DesiredNetwork,
  type Finding,
  type MissingNic,
  mismatches,
  missingNics,
  networkDifference,
  type ObservedNamespace,
  restoring,
  withoutHostLinks,
  withoutNics,
} from '#plan/network';
import { applyFindings } from './apply.ts';
import { observeNode, observePod, readSysctls } from './observe.ts';
import type { Namespaces } from './pod-sight.ts';
import { nicOf, overlayOf, type RecordedNic } from './recorded-nic.ts';

/** What a pod is compared with. */
export interface RepairRequest {
  /** The plan from the records, with the current settings and node addresses. */
  readonly desired: DesiredNetwork;
  /**
   * The previous plan, if settings or node addresses have changed since. Another program has broken what differs from
   * it.
   */
  readonly before?: DesiredNetwork;
  readonly nics: readonly RecordedNic[];
}

/** One sentence for each object. */
export interface Drift {
  /** What was missing or different although the input of the plan had not changed. */
  readonly damage: readonly string[];
  /** Everything that differs from the plan, including changed settings and stale objects. */
  readonly differences: readonly string[];
  /** What belongs to another program, and is left alone. */
  readonly lost: readonly string[];
  /** False if something that the plan requires belongs to another program: then everything is left alone. */
  readonly repairable: boolean;
}

/** Compares without changing anything. */
export function driftOf(request: RepairRequest, namespaces: Namespaces): Drift {
  return compare(request, namespaces).drift;
}

/**
 * Repairs what can be repaired, in one turn of the event loop. If something that the plan requires belongs to another
 * program, what depends on it is left alone and the rest is repaired. Throws the kernel's error after every change was
 * tried.
 */
export function repairNetwork(request: RepairRequest, namespaces: Namespaces): Drift {
  const { desired, findings, drift } = compare(request, namespaces);
  if (drift.repairable && drift.differences.length > 0) {
    // A new veth pair has sysctls that were not read yet.
    applyFindings(findings, desired, namespaces, !findings.node.some(makesLink));
  }
  return drift;
}

function makesLink({ fix }: Finding): boolean {
  return fix?.kind === 'change' && fix.change.kind === 'link' && fix.change.verb === 'create';
}

type Findings = ReturnType<typeof networkDifference>;

function compare({ desired, before, nics }: RepairRequest, namespaces: Namespaces) {
  const observed = observe(desired, namespaces);
  const attached = nics.map((record) => ({
    ...nicOf(record.nic),
    ...(record.index !== undefined && { index: record.index }),
  }));
  const overlay = nics.find((record) => record.overlay !== undefined)?.overlay;
  const lost = [
    ...missingNics(attached, observed.pod.links, observed.pod.addresses),
    ...(overlay === undefined ? [] : missingOverlay(overlay, observed.pod)),
  ];
  const restored = (plan: DesiredNetwork): { plan: DesiredNetwork; problems: readonly string[] } => {
    const inPod = withoutNics(restoring(plan, attached), lost);
    const { node, problems } = withoutHostLinks(inPod.node, observed.node.links);
    return { plan: { ...inPod, node }, problems };
  };
  const now = restored(desired);
  const findings = networkDifference(now.plan, observed);
  const then = before === undefined ? findings : networkDifference(restored(before).plan, observed);
  const drift: Drift = {
    damage: texts(then, (some) => mismatches(some.filter(isOurs))),
    differences: texts(findings, (some) => some.filter(isOurs).map(({ problem }) => problem)),
    lost: [
      ...lost.map(({ problem }) => problem),
      ...now.problems,
      ...taken(findings),
      ...unrepairable(findings),
    ],
    repairable: unrepairable(findings).length === 0,
  };
  return { desired: now.plan, findings, drift };
}

/** An overlay's NIC is required, but never made here. Without it, nothing that uses it can exist. */
function missingOverlay(
  overlay: NonNullable<RecordedNic['overlay']>,
  { links }: Pick<ObservedNamespace, 'links'>,
): MissingNic[] {
  if (links.some(({ name }) => name === overlay.name)) return [];
  return [{ nic: overlayOf(overlay), problem: `interface ${overlay.name} of the overlay is missing` }];
}

function observe(desired: DesiredNetwork, { pod, node }: Namespaces) {
  return {
    pod: { ...observePod(pod, desired), sysctls: readSysctls(pod, desired.pod) },
    node: { ...observeNode(node, desired), sysctls: readSysctls(node, desired.node) },
  };
}

/** For example, another program's veth0: what uses it must not be changed. */
function unrepairable({ pod, node }: Findings): string[] {
  return [...node, ...pod].filter(isUnfixable).map(({ problem }) => problem);
}

function isUnfixable({ fix, foreign }: Finding): boolean {
  return fix === undefined && foreign !== true;
}

function isOurs({ foreign }: Finding): boolean {
  return foreign !== true;
}

/** Another program's objects are in the place of ours. They stay, and the rest is repaired. */
function taken({ pod, node }: Findings): string[] {
  return [...node, ...pod].filter(({ foreign }) => foreign === true).map(({ problem }) => problem);
}

function texts({ pod, node }: Findings, of: (findings: readonly Finding[]) => string[]): string[] {
  return [...of(pod), ...of(node)];
}
