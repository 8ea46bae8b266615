// The node's links that the node's plan must treat with care, because of their sysctls: those that drop packets from an
// unexpected side, and those that accept router advertisements.

import type { NetworkNamespace } from '#net';
import { leadsToOtherNodes } from '#plan/network';

/**
 * The node's NICs and tunnels with strict rp_filter (1). Distributions set it by default, and a new tunnel inherits the
 * default. The larger value of `all` and the link counts (ip-sysctl.rst), so that 0 on `all` relaxes none of them.
 */
export function linksThatFilterSources(node: NetworkNamespace): string[] {
  const links = node.links();
  return links
    .filter((link) => leadsToOtherNodes(link, links))
    .map(({ name }) => name)
    .filter((name) => node.sysctl(`ipv4/conf/${name}/rp_filter`) === '1');
}

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
