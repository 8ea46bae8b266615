// Compares the addresses for which NICs of the node answer with those for which they should.

import { formatAddress, sameAddress } from '#ip';
import type { ProxyNeighbour } from '#net';
import type { DesiredNamespace, ObservedNamespace } from '../state/index.ts';
import { type Finding, fixable } from './finding.ts';

/** An entry of another program serves as well. It stays that program's: DEL removes only entries with our protocol. */
export function proxyFindings(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const { proxies = [] } = observed;
  return (desired.proxies ?? []).flatMap(({ owner: _, ...proxy }) => {
    if (proxies.some((found) => sameProxy(found, proxy))) return [];
    const problem = `neighbour proxy ${formatAddress(proxy.address)} dev ${proxy.dev} is missing`;
    if (observed.links.some(({ name }) => name === proxy.dev))
      return [fixable(problem, { verb: 'create', kind: 'proxy', proxy })];
    return [{ problem: `${problem}: the node has no such interface`, foreign: true }];
  });
}

export function sameProxy(a: ProxyNeighbour, b: ProxyNeighbour): boolean {
  return a.dev === b.dev && sameAddress(a.address, b.address);
}
