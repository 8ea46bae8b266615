// Compares a running pod with its plan and mends it: what ADD made, and what the plugins before it did.

import {
  type DesiredNetwork,
  type Finding,
  type LostNic,
  lostNics,
  mismatches,
  networkDifference,
  type ObservedNamespace,
  restoring,
  withoutHostLinks,
  withoutNics,
} from '#plan/network';
import { applyFindings } from './apply.ts';
import type { Namespaces } from './namespaces.ts';
import { observeNode, observePod, readSysctls } from './observe.ts';
import { nicOf, overlayOf, type RecordedNic } from './recorded-nic.ts';

/** What a pod is compared with. */
export interface RepairRequest {
  /** From the records, with settings and node addresses as they are now. */
  readonly desired: DesiredNetwork;
  /** The plan of before, where settings or node addresses have changed since: what differs from it, others have broken. */
  readonly before?: DesiredNetwork;
  readonly nics: readonly RecordedNic[];
}

/** One sentence for each object. */
export interface Drift {
  /** What was missing or different although nothing had changed that the plan is made of. */
  readonly damage: readonly string[];
  /** Everything that differs from the plan, changes of settings and what is stale included. */
  readonly differences: readonly string[];
  /** What is in other hands, and is left alone. */
  readonly lost: readonly string[];
  /** False where what the plan rests on is in other hands: then everything is left alone. */
  readonly mendable: boolean;
}

/** Looks without touching anything. */
export function driftOf(request: RepairRequest, namespaces: Namespaces): Drift {
  return compare(request, namespaces).drift;
}

/**
 * Mends what can be mended, in one turn. Where something that the plan rests on is in other hands, what hangs on it is left alone and
 * the rest is mended. Throws the kernel's refusal after every change was tried.
 */
export function repairNetwork(request: RepairRequest, namespaces: Namespaces): Drift {
  const { desired, findings, drift } = compare(request, namespaces);
  if (drift.mendable && drift.differences.length > 0) {
    // A veth pair that is made again has sysctls that nobody has seen.
    applyFindings(findings, desired, namespaces, !findings.node.some(makesLink));
  }
  return drift;
}

function makesLink({ mend }: Finding): boolean {
  return mend?.kind === 'change' && mend.change.kind === 'link' && mend.change.verb === 'create';
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
    ...lostNics(attached, observed.pod.links, observed.pod.addresses),
    ...(overlay === undefined ? [] : lostOverlay(overlay, observed.pod)),
  ];
  const whole = (plan: DesiredNetwork): { plan: DesiredNetwork; problems: readonly string[] } => {
    const inPod = withoutNics(restoring(plan, attached), lost);
    const { node, problems } = withoutHostLinks(inPod.node, observed.node.links);
    return { plan: { ...inPod, node }, problems };
  };
  const now = whole(desired);
  const findings = networkDifference(now.plan, observed);
  const then = before === undefined ? findings : networkDifference(whole(before).plan, observed);
  const drift: Drift = {
    damage: texts(then, (some) => mismatches(some.filter(isOurs))),
    differences: texts(findings, (some) => some.filter(isOurs).map(({ problem }) => problem)),
    lost: [
      ...lost.map(({ problem }) => problem),
      ...now.problems,
      ...taken(findings),
      ...unmendable(findings),
    ],
    mendable: unmendable(findings).length === 0,
  };
  return { desired: now.plan, findings, drift };
}

/** An overlay's NIC is expected, never made: without it nothing that leads over it can be. */
function lostOverlay(
  overlay: NonNullable<RecordedNic['overlay']>,
  { links }: Pick<ObservedNamespace, 'links'>,
): LostNic[] {
  if (links.some(({ name }) => name === overlay.name)) return [];
  return [{ nic: overlayOf(overlay), problem: `interface ${overlay.name} of the overlay is missing` }];
}

function observe(desired: DesiredNetwork, { pod, node }: Namespaces) {
  return {
    pod: { ...observePod(pod, desired), sysctls: readSysctls(pod, desired.pod) },
    node: { ...observeNode(node, desired), sysctls: readSysctls(node, desired.node) },
  };
}

/** Somebody else's veth0, for one: what stands on it is not ours to change. */
function unmendable({ pod, node }: Findings): string[] {
  return [...node, ...pod].filter(isUnmendable).map(({ problem }) => problem);
}

function isUnmendable({ mend, foreign }: Finding): boolean {
  return mend === undefined && foreign !== true;
}

function isOurs({ foreign }: Finding): boolean {
  return foreign !== true;
}

/** Where another program's objects stand in place of ours: they stay, and the rest is mended. */
function taken({ pod, node }: Findings): string[] {
  return [...node, ...pod].filter(({ foreign }) => foreign === true).map(({ problem }) => problem);
}

function texts({ pod, node }: Findings, of: (findings: readonly Finding[]) => string[]): string[] {
  return [...of(pod), ...of(node)];
}
