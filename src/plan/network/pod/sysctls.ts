// Sysctls of a pod's namespace, set for each link.

import { RTPROT } from '#net';
import { type DesiredSysctl, POD_LINK } from '../state/index.ts';
import { defaultRoutes, type Moved } from './default-route.ts';
import { type Frame, firstOfOurs, hasFamily, type Nic } from './frame.ts';
import { sharedLanSysctls } from './shared-lan.ts';

const OFF = 0;
const LOOSE = 2;

export function podSysctls(frame: Frame, moved: readonly Moved[]): DesiredSysctl[] {
  const veth = frame.ownWay === undefined ? [] : [POD_LINK];
  const ours = frame.nics.filter((nic) => nic.ours);
  // `all` would turn IPv6 on for links on which a user turned it off. An overlay's NIC may have IPv6 off, but the way
  // to the node needs it.
  const sixes = new Set([
    ...ours.filter((nic) => hasFamily(nic, 6)).map(({ name }) => name),
    ...frame.ways.map((way) => way.podLink),
  ]);
  return [
    ...(frame.families.includes(6)
      ? [...sixes].map((dev) => ({ key: `ipv6/conf/${dev}/disable_ipv6`, value: '0' }))
      : []),
    ...reversePathFilters(frame, veth),
    ...moved.flatMap(advertisedDefaults),
    ...ours.flatMap(announcements),
    ...sharedLanSysctls(frame),
  ];
}

/**
 * The kernel takes the larger of `all` and the link's own value (ip-sysctl.rst). So 0 on `all` alone relaxes nothing.
 */
function reversePathFilters(frame: Frame, veth: readonly string[]): DesiredSysctl[] {
  if (!frame.families.includes(4)) return [];
  const wished = frame.nics.flatMap(({ name, settings }) =>
    settings.podRpFilter === undefined ? [] : [{ dev: name, value: settings.podRpFilter }],
  );
  if (wished.length === 0) return [];
  const least = Math.min(...wished.map(({ value }) => value));
  const links = [...wished, ...veth.map((dev) => ({ dev, value: least }))].map(({ dev, value }) => ({
    dev,
    value: value === LOOSE && !hasIpv4Address(frame, dev) ? OFF : value,
  }));
  const all = Math.min(...links.map(({ value }) => value));
  return [{ dev: 'all', value: all }, ...links].map(({ dev, value }) => ({
    key: `ipv4/conf/${dev}/rp_filter`,
    value: String(value),
  }));
}

/**
 * On a link without an IPv4 address the kernel treats loose as strict (__fib_validate_source, no_addr). NodePort
 * traffic with the client's address would be dropped on veth0. Off differs from loose only for sources without any
 * route, and only the node could send those.
 */
function hasIpv4Address(frame: Frame, dev: string): boolean {
  const nic = frame.nics.find(({ name }) => name === dev);
  return nic === undefined ? firstOfOurs(frame).settings.vethLinkAddress !== undefined : hasFamily(nic, 4);
}

/** Otherwise the router's next advertisement would put the moved default route back into main. */
function advertisedDefaults({ nic, family }: Moved): DesiredSysctl[] {
  if (!defaultRoutes(nic, family).some(({ protocol }) => protocol === RTPROT.ra)) return [];
  return [{ key: `ipv6/conf/${nic.name}/accept_ra_defrtr`, value: '0' }];
}

/** The kernel then announces a new MAC address to the LAN itself (ip-sysctl.rst, arp_notify and ndisc_notify). */
function announcements(nic: Nic): DesiredSysctl[] {
  if (nic.settings.podMacPrefix === undefined) return [];
  return [
    { key: `ipv4/conf/${nic.name}/arp_notify`, value: '1' },
    ...(hasFamily(nic, 6) ? [{ key: `ipv6/conf/${nic.name}/ndisc_notify`, value: '1' }] : []),
  ];
}
