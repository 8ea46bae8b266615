// An `ipam` object of host-local: the addresses that it gives out on each node (containernetworking/plugins,
// plugins/ipam/host-local/backend/allocator).

import { type HostLocalIpam, parseHostLocalIpam } from '#api';
import { cidrContains, cidrRange, formatCidr, networkOf, parseAddress, parseCidr } from '#ip';
import { type RangeEntry, refused, type SourceConf, sourceConf, spanOf } from './source-conf.ts';

/** @throws OrbError INPUT_INVALID for what a SpiderIPPool cannot do, and for what cannot be read */
export function readHostLocal(ipam: unknown, subject: string): SourceConf {
  const { ranges = [], routes = [], ...rest } = parseHostLocalIpam(ipam, subject);
  const { subnet } = rest;
  const sets = [...(subnet === undefined ? [] : [[{ ...rest, subnet }]]), ...ranges];
  if (sets.length === 0) throw refused(subject, 'ipam.ranges is missing');
  const entries = sets.map((set) => set.map((range) => rangeEntry(range, subject)));
  return sourceConf(entries, routes, subject, 'resolvConf' in rest ? ['resolvConf'] : []);
}

type Range = NonNullable<HostLocalIpam['ranges']>[number][number];

function rangeEntry({ subnet: text, rangeStart, rangeEnd, gateway }: Range, subject: string): RangeEntry {
  const subnet = networkOf(parseCidr(text));
  const { first, last } = cidrRange(subnet);
  if (last.value - first.value < 3n) throw refused(subject, `${formatCidr(subnet)} is too small`);
  const second = { ...first, value: first.value + 1n };
  // The last address of an IPv4 network is its broadcast address.
  const usableEnd = { ...last, value: last.value - (last.family === 4 ? 1n : 0n) };
  const bounds = {
    rangeStart: rangeStart === undefined ? second : parseAddress(rangeStart),
    rangeEnd: rangeEnd === undefined ? usableEnd : parseAddress(rangeEnd),
    gateway: gateway === undefined ? second : parseAddress(gateway),
  };
  for (const [field, address] of Object.entries(bounds)) {
    if (!cidrContains(subnet, address))
      throw refused(subject, `ipam: ${field} is not in ${formatCidr(subnet)}`);
  }
  return { subnet, addresses: spanOf(bounds.rangeStart, bounds.rangeEnd), gateway: bounds.gateway };
}
