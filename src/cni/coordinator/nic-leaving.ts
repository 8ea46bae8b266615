// Removes a NIC: what belongs to it goes from the node and the pod, and what the pod's other NICs need stays.

import type { Logger } from '#base';
import type { NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  applyNetwork,
  type Namespaces,
  nicOf,
  numbersIn,
  overlayOf,
  podInputOf,
  type RecordedNic,
  undoNic,
  undoNode,
  undoPod,
} from '#node';
import { type AttachmentKey, planPod, planWithoutNics } from '#plan/network';

/**
 * Always cleans the node, and the pod if it still exists. The veth serves the whole pod and is removed with its last
 * NIC (Spiderpool's DEL of net1 removes it from a running pod).
 */
export async function takeAway(
  { containerId }: AttachmentKey,
  plan: RecordedNic | undefined,
  others: readonly RecordedNic[],
  { pod, node }: { readonly pod: NetworkNamespace | undefined; readonly node: NetworkNamespace },
  log: Logger,
): Promise<void> {
  if (plan !== undefined && (others.length > 0 || plan.mode === 'overlay')) undoNic(node, plan);
  if (others.length === 0) await undoNode(node, containerId, pod);
  if (pod === undefined) return;
  try {
    leavePod(containerId, plan, others, { pod, node });
  } catch (error) {
    // The runtime is deleting the pod, or its other NICs are broken. Neither may prevent the removal of this NIC.
    log.warn({ err: error }, 'could not update the namespace of the pod after a NIC left');
  }
}

/**
 * The NIC without the addresses that a newer sandbox has on the same link. Calico names its link after the pod. A late
 * DEL would otherwise remove the node's routes to the pod's next sandbox.
 */
export function withoutSuccessors(
  plan: RecordedNic,
  { containerId }: AttachmentKey,
  records: readonly AttachmentRecord[],
): RecordedNic {
  const taken = records
    .filter((record) => record.containerId !== containerId && record.supersededBy === undefined)
    .map((record) => record.coordinator?.plan)
    .filter((other) => other?.hostLink === plan.hostLink)
    .flatMap((other) => other?.nic.addresses ?? []);
  const addresses = plan.nic.addresses.filter((address) => !taken.includes(address));
  return { ...plan, nic: { ...plan.nic, addresses } };
}

/**
 * Changes the pod to its state without the NIC: tables and the default route are divided again among its other NICs.
 */
function leavePod(
  containerId: string,
  plan: RecordedNic | undefined,
  others: readonly RecordedNic[],
  namespaces: Namespaces,
): void {
  const leaving = plan === undefined ? undefined : nicOf(plan.nic);
  const links = namespaces.pod.links().map(({ name }) => name);
  const rest = others.filter(({ nic }) => links.includes(nic.name));
  if (rest.length > 0) {
    const pod = podInputOf(containerId, rest);
    const numbers = numbersIn(namespaces.pod, pod.numbers);
    applyNetwork(planPod({ ...pod, numbers, ...(leaving !== undefined && { leaving }) }), namespaces);
  } else if (leaving === undefined || plan?.overlay === undefined || !links.includes(plan.overlay.name)) {
    undoPod(namespaces.pod);
  } else {
    const overlay = overlayOf(plan.overlay);
    undoPod(namespaces.pod, planWithoutNics({ containerId, overlay, leaving }));
  }
}
