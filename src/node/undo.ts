// Takes back what an attachment made, from the container id alone: without the agent's memory, the API, the pod object or
// its namespace, of which DEL may have none (Spiderpool #5735).

import { type Change, type NetworkNamespace, ROUTE_PROTOCOL } from '#net';
import { hostLinkName, NFT_TABLE } from '#plan/network';

/**
 * Removes the attachment's link from the node. The kernel takes with it the peer in the pod, and the addresses, routes and permanent
 * neighbours on both ends. Fine to repeat.
 */
export async function undoNode(node: NetworkNamespace, containerId: string): Promise<void> {
  const name = hostLinkName(containerId);
  if (node.link(name)?.kind !== 'veth') return;
  try {
    await node.deleteLink(name);
  } catch (error) {
    // The pod's namespace may have died, and the link with it, between the look and the deletion.
    if (node.link(name) !== undefined) throw error;
  }
}

/** Removes what is ours in a pod's namespace that lives on: rules, routes through the NIC, the nftables table. */
export function undoPod(pod: NetworkNamespace): void {
  const rules = pod.rules().filter((rule) => rule.protocol === ROUTE_PROTOCOL);
  const routes = pod.routes().filter((route) => route.protocol === ROUTE_PROTOCOL);
  const changes: Change[] = [
    ...rules.map((rule): Change => ({ verb: 'delete', kind: 'rule', rule })),
    ...routes.toReversed().map((route): Change => ({ verb: 'delete', kind: 'route', route })),
  ];
  if (changes.length > 0) pod.change(changes);
  if (pod.nftTable('inet', NFT_TABLE) === undefined) return;
  // Fine where it is gone by now: the transaction may be repeated.
  pod.nft(`add table inet ${NFT_TABLE}\ndelete table inet ${NFT_TABLE}\n`);
}
