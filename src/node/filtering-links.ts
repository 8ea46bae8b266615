// Links on which a node drops packets from an unexpected side. They would continue to do so for any value of `all`.

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
