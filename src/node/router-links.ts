// Links on which a node accepts router advertisements now, but would not after it starts to forward.

import type { NetworkNamespace } from '#net';

/**
 * With accept_ra 1, the kernel accepts router advertisements only if the link does not forward (ip-sysctl.rst). Links
 * that already forward do not accept them, and must not start to: a pod would become the node's router. On a Kubernetes
 * node, these include the links of pods.
 */
export function linksThatHearRouters(node: NetworkNamespace): string[] {
  return node
    .links()
    .map((link) => link.name)
    .filter(
      (name) =>
        node.sysctl(`ipv6/conf/${name}/accept_ra`) === '1' &&
        node.sysctl(`ipv6/conf/${name}/forwarding`) === '0',
    );
}
