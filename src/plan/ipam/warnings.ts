// What admission tells the author of a pool that it accepts.

import type { SpiderIPPool } from '#api';
import { formatAddress, formatCidr } from '#ip';
import { type PoolNetwork, readPoolNetwork } from './pool-network.ts';

/** One sentence for each address that the pool offers and that no pod will get. */
export function poolWarnings({ spec }: SpiderIPPool): string[] {
  const network = spec === undefined ? undefined : readPoolNetwork(spec, []);
  if (network === undefined) return [];
  return unusableTexts(network).map((text) => `spec.ips: ${text}, so no pod gets it and it is not counted`);
}

/** Says of each unusable address what it is instead of a machine's. No two of them are neighbours: each is a range. */
export function unusableTexts({ subnet, family, unusable }: PoolNetwork): string[] {
  return unusable.ranges.map(({ first }) => {
    const isNetwork = first.value === subnet.address.value;
    const role = family === 6 ? 'subnet-router anycast' : isNetwork ? 'network' : 'broadcast';
    return `${formatAddress(first)} is the ${role} address of spec.subnet ${formatCidr(subnet)}`;
  });
}
