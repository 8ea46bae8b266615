// What ADD answers for an allocation.

import type { CniResult } from '#api';
import { formatAddress, formatCidr } from '#ip';
import type { Allocation } from './ipam.ts';

/** An IPAM plugin's result has no interfaces: the caller fills them in (CNI specification 1.1, section 4). */
export function resultOf({ addresses, routes, dns = {} }: Allocation, interfaceName: string): CniResult {
  return {
    ips: addresses
      .filter(({ nic }) => nic === interfaceName)
      .map(({ address, gateway }) => ({
        address: formatCidr(address),
        ...(gateway !== undefined && { gateway: formatAddress(gateway) }),
      })),
    routes: routes
      .filter(({ nic }) => nic === interfaceName)
      .map(({ destination, gateway }) => ({ dst: formatCidr(destination), gw: formatAddress(gateway) })),
    dns,
  };
}
