// Links on which a node drops what comes from an unexpected side, and would go on to whatever `all` says.

import type { NetworkNamespace } from '#net';
import { leadsToOtherNodes } from '#plan/network';

/**
 * The node's NICs and tunnels with strict rp_filter (1): distributions set it by default, and a tunnel that is made later takes it.
 * The larger of `all` and the link's own counts (ip-sysctl.rst), so that 0 on `all` relaxes none of them.
 */
export function linksThatFilterSources(node: NetworkNamespace): string[] {
  const links = node.links();
  return links
    .filter((link) => leadsToOtherNodes(link, links))
    .map(({ name }) => name)
    .filter((name) => node.sysctl(`ipv4/conf/${name}/rp_filter`) === '1');
}
