// What admission tells the author of a pool that it accepts.

import type { SpiderIPPool } from '#api';
import { type Address, formatAddress, formatCidr } from '#ip';
import { type PoolNetwork, readPoolNetwork } from './pool-network.ts';

/** One sentence for each address that the pool offers and that no pod will get. */
export function poolWarnings({ spec }: SpiderIPPool): string[] {
  const network = spec === undefined ? undefined : readPoolNetwork(spec, []);
  if (network === undefined) return [];
  return network.unusable.ranges
    .flatMap(({ first, last }) => (first.value === last.value ? [first] : [first, last]))
    .map((address) => `spec.ips: ${unusableText(address, network)}, so no pod gets it and no count has it`);
}

/** Says which special address it is. */
export function unusableText(address: Address, { subnet, family }: PoolNetwork): string {
  const role =
    family === 6 ? 'subnet-router anycast' : address.value === subnet.address.value ? 'network' : 'broadcast';
  return `${formatAddress(address)} is the ${role} address of spec.subnet ${formatCidr(subnet)}`;
}
