// NICs of one pod on one LAN: neighbours must learn each address with the MAC address of the NIC that has it.

import { type Cidr, cidrContains, networkOf } from '#ip';
import type { DesiredSysctl } from './desired.ts';
import type { Frame } from './frame.ts';

/**
 * Linux answers ARP for any address of the namespace on any link, and asks with any of them as the sender. Where two NICs are on
 * one LAN, the faster one answers, and switches with port security drop what then comes in by it. Each NIC therefore speaks for
 * its own addresses alone (ip-sysctl.rst, arp_ignore and arp_announce). Not veth0: it has no address, and answers for all. IPv6 is
 * like that by itself (RFC 4861 §7.2.3).
 */
export function sharedLanSysctls({ nics }: Frame): DesiredSysctl[] {
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
