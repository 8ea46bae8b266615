// Links on which a node listens to routers now, and would not any more once it forwards.

import type { NetworkNamespace } from '#net';

/**
 * With accept_ra 1 the kernel hears routers where a link does not forward (ip-sysctl.rst). Links that forward already do not hear them, the
 * ends of pods on a node of Kubernetes among them, and must not begin to: a pod would become the node's router.
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
