// Compares the kernel with a plan, for CHECK: what ADD made must still exist.

import { type DesiredNetwork, mismatches, networkDifference } from '#plan/network';
import { observeNode, observePod, readSysctls } from './observe.ts';
import type { Namespaces } from './pod-sight.ts';

/** One sentence for each object that is missing or wrong. Empty if there is none. */
export function checkNetwork(desired: DesiredNetwork, { pod, node }: Namespaces): string[] {
  const observed = {
    pod: { ...observePod(pod, desired), sysctls: readSysctls(pod, desired.pod) },
    node: { ...observeNode(node, desired), sysctls: readSysctls(node, desired.node) },
  };
  const findings = networkDifference(desired, observed);
  return [...mismatches(findings.pod), ...mismatches(findings.node)];
}
