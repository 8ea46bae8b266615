// What is read on the node before a NIC of it is given to a pod.

import type { NetworkNamespace } from '#net';
import type { NodeSight } from '#plan/host-device';

/** `pods` are open namespaces of pods, in which links may be made on links of the node. */
export function seeNode(node: NetworkNamespace, pods: readonly NetworkNamespace[]): NodeSight {
  const abroad = pods
    .flatMap((pod) => pod.links())
    .filter(({ kind }) => kind !== 'veth' && kind !== 'netkit');
  return {
    links: node.links(),
    addresses: node.addresses(),
    routes: node.routes(),
    parents: abroad.flatMap(({ linkIndex, linkNetnsId }) =>
      linkIndex === undefined || linkNetnsId === undefined ? [] : [linkIndex],
    ),
  };
}
