// NICs of one pod on one LAN. Neighbours must learn each address with the MAC address of its own NIC.

import { type Cidr, cidrContains, networkOf } from '#ip';
import type { DesiredSysctl } from '../state/index.ts';
import type { PlanContext } from './plan-context.ts';

/**
 * Linux answers ARP for any address of the namespace on any link, and sends requests with any of them as the sender. If
 * two NICs are on one LAN, the faster one answers. Switches with port security drop the packets that then enter by it.
 * So each NIC answers and asks only for its own addresses (ip-sysctl.rst, arp_ignore and arp_announce). veth0 is left
 * out: it has no address, and it answers for all. IPv6 behaves like this already (RFC 4861 §7.2.3).
 */
export function sharedLanSysctls({ nics }: PlanContext): DesiredSysctl[] {
  const sharing = nics.filter(
    (nic) => nic.ours && nics.some((other) => other !== nic && shareLan(nic.addresses, other.addresses)),
  );
  return sharing.flatMap(({ name }) => [
    { key: `ipv4/conf/${name}/arp_ignore`, value: '1', atLeast: true },
    { key: `ipv4/conf/${name}/arp_announce`, value: '2' },
  ]);
}

/** Whether two NICs have IPv4 addresses of one network. */
export function shareLan(some: readonly Cidr[], others: readonly Cidr[]): boolean {
  const fours = (cidrs: readonly Cidr[]) => cidrs.filter(({ address }) => address.family === 4);
  return fours(some).some((one) =>
    fours(others).some(
      (other) => cidrContains(networkOf(one), other.address) || cidrContains(networkOf(other), one.address),
    ),
  );
}
