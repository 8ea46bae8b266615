// Brings the kernel to the state of a plan. Compares first, then changes what differs, in one batch per namespace. A
// repeat changes nothing.

import { OrbError } from '#base';
import { errnoOf, type NetworkChange, type NetworkNamespace } from '#net';
import {
  changesOf,
  type DesiredNamespace,
  type DesiredNetwork,
  difference,
  type Finding,
  networkDifference,
  nftCommandsOf,
  nothingObserved,
  sysctlDifference,
} from '#plan/network';
import { observeNode, observePod, observeWholeTables, readSysctls } from './observe.ts';
import type { Namespaces, PodSight } from './pod-sight.ts';

/** The differences that were found and repaired. Empty if there were none. */
export interface Applied {
  readonly repaired: readonly string[];
}

/**
 * Applies the plan of an attachment. Throws COORDINATOR_LINK_TAKEN if something that the plan requires is missing.
 * Throws the kernel's error if it refuses a change. `undoNetwork` removes what was made before the error.
 */
export function applyNetwork(desired: DesiredNetwork, namespaces: Namespaces, seen?: PodSight): Applied {
  const { pod, node } = namespaces;
  const observed = { pod: observePod(pod, desired, seen), node: observeNode(node, desired) };
  const findings = networkDifference(desired, observed);
  requireRepairable([...findings.node, ...findings.pod]);
  requireOwnRoutes(findings.node);
  return applyFindings(findings, desired, namespaces);
}

/**
 * Corrects the findings, and sets the plan's sysctls. If `sysctlsFound`, the findings include all wrong sysctls, so no
 * others are set.
 */
export function applyFindings(
  findings: ReturnType<typeof networkDifference>,
  desired: DesiredNetwork,
  { pod, node }: Namespaces,
  sysctlsFound = false,
): Applied {
  // The node comes first: its changes create both ends of the veth pair. A link must exist before its sysctls are
  // written.
  changeNode(findings.node, desired, { pod, node });
  const repaired = [
    ...problems(findings.node),
    ...(sysctlsFound ? writeSysctls(node, findings.node) : applySysctls(node, desired.node)),
    ...(sysctlsFound ? writeSysctls(pod, findings.pod) : applySysctls(pod, desired.pod)),
    ...problems(findings.pod),
  ];
  change(pod, changesOf(findings.pod));
  for (const commands of nftCommandsOf(findings.node)) node.nft(commands);
  for (const commands of nftCommandsOf(findings.pod)) pod.nft(commands);
  return { repaired };
}

/** Applies what a node needs independent of its pods: rules and sysctls. */
export function applyNode(desired: DesiredNamespace, node: NetworkNamespace): Applied {
  const sysctls = applySysctls(node, desired);
  const findings = nodeFindings(desired, node);
  change(node, changesOf(findings));
  return { repaired: [...sysctls, ...problems(findings)] };
}

/** What is missing or wrong on the node, one sentence for each object. */
export function driftOfNode(desired: DesiredNamespace, node: NetworkNamespace): readonly string[] {
  const sysctls = sysctlDifference(desired, readSysctls(node, desired));
  return [...sysctls.map(({ problem }) => problem), ...problems(nodeFindings(desired, node))];
}

function nodeFindings(desired: DesiredNamespace, node: NetworkNamespace): Finding[] {
  return difference(desired, { ...nothingObserved, rules: node.rules() });
}

/**
 * Makes the changes on the node. The kernel answers EEXIST if a route to an address of the pod exists on a link that was
 * not compared. Then whole tables are compared. A route that an earlier sandbox left is replaced. Another program's
 * route is an error: COORDINATOR_HOST_ROUTE_TAKEN.
 */
function changeNode(findings: readonly Finding[], desired: DesiredNetwork, { pod, node }: Namespaces): void {
  const make = (some: readonly Finding[]) =>
    change(
      node,
      changesOf(some).map((one) => withPeerIn(pod, one)),
    );
  try {
    make(findings);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const again = difference(desired.node, observeWholeTables(node, desired));
    requireOwnRoutes(again);
    make(again);
  }
}

function requireOwnRoutes(findings: readonly Finding[]): void {
  const taken = findings.filter(({ foreign }) => foreign === true).map(({ problem }) => problem);
  if (taken.length === 0) return;
  throw new OrbError('COORDINATOR_HOST_ROUTE_TAKEN', {
    message: `cannot set the node's route to the pod: ${taken.join('; ')}`,
  });
}

/** Throws if the NIC or an address of it is missing: the previous plugin makes these, and we cannot. */
function requireRepairable(findings: readonly Finding[]): void {
  const broken = findings.filter(({ fix, foreign }) => fix === undefined && foreign !== true);
  const [first] = broken;
  if (first === undefined) return;
  throw new OrbError(first.code ?? 'COORDINATOR_LINK_TAKEN', {
    message: `the pod's network cannot be planned: ${broken.map((finding) => finding.problem).join('; ')}`,
  });
}

function applySysctls(namespace: NetworkNamespace, desired: DesiredNamespace): string[] {
  return writeSysctls(namespace, sysctlDifference(desired, readSysctls(namespace, desired)));
}

function writeSysctls(namespace: NetworkNamespace, findings: readonly Finding[]): string[] {
  return findings.flatMap(({ fix, problem }) => {
    if (fix?.kind !== 'sysctl') return [];
    namespace.setSysctl(fix.sysctl.key, fix.sysctl.value);
    return [problem];
  });
}

/** Problems of sysctls are left out: {@link writeSysctls} returns them. */
function problems(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ fix, foreign }) => fix?.kind !== 'sysctl' && foreign !== true)
    .map((finding) => finding.problem);
}

function change(namespace: NetworkNamespace, changes: readonly NetworkChange[]): void {
  if (changes.length > 0) namespace.change(changes);
}

/** A plan is plain data without descriptors. This adds the pod's namespace, in which the veth's peer is made. */
function withPeerIn(pod: NetworkNamespace, one: NetworkChange): NetworkChange {
  if (one.verb !== 'create' || one.kind !== 'link' || one.link.type.kind !== 'veth') return one;
  const { link } = one;
  return {
    ...one,
    link: { ...link, type: { kind: 'veth', peer: { ...one.link.type.peer, netnsFd: pod.fd } } },
  };
}
