// Sysctls of a pod's namespace, set for each link.

import { RTPROT } from '#net';
import { type DesiredSysctl, POD_LINK } from '../state/index.ts';
import { defaultRoutes, type NicWithTable } from './default-route.ts';
import { firstOfOurs, hasFamily, type Nic, type PlanContext } from './plan-context.ts';
import { sharedLanSysctls } from './shared-lan.ts';

const OFF = 0;
const LOOSE = 2;

export function podSysctls(context: PlanContext, moved: readonly NicWithTable[]): DesiredSysctl[] {
  const veth = context.ownLink === undefined ? [] : [POD_LINK];
  const ours = context.nics.filter((nic) => nic.ours);
  // `all` would turn IPv6 on for links on which a user turned it off. An overlay's NIC may have IPv6 off, but the link
  // to the node needs it.
  const sixes = new Set([
    ...ours.filter((nic) => hasFamily(nic, 6)).map(({ name }) => name),
    ...context.nodeLinks.map((nodeLink) => nodeLink.podLink),
  ]);
  return [
    ...(context.families.includes(6)
      ? [...sixes].map((dev) => ({ key: `ipv6/conf/${dev}/disable_ipv6`, value: '0' }))
      : []),
    ...reversePathFilters(context, veth),
    ...moved.flatMap(advertisedDefaults),
    ...ours.flatMap(announcements),
    ...sharedLanSysctls(context),
  ];
}

/**
 * The kernel takes the larger of `all` and the link's own value (ip-sysctl.rst). So 0 on `all` alone relaxes nothing.
 */
function reversePathFilters(context: PlanContext, veth: readonly string[]): DesiredSysctl[] {
  if (!context.families.includes(4)) return [];
  const wished = context.nics.flatMap(({ name, settings }) =>
    settings.podRpFilter === undefined ? [] : [{ dev: name, value: settings.podRpFilter }],
  );
  if (wished.length === 0) return [];
  const least = Math.min(...wished.map(({ value }) => value));
  const links = [...wished, ...veth.map((dev) => ({ dev, value: least }))].map(({ dev, value }) => ({
    dev,
    value: value === LOOSE && !hasIpv4Address(context, dev) ? OFF : value,
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
function hasIpv4Address(context: PlanContext, dev: string): boolean {
  const nic = context.nics.find(({ name }) => name === dev);
  return nic === undefined ? firstOfOurs(context).settings.vethLinkAddress !== undefined : hasFamily(nic, 4);
}

/** Otherwise the router's next advertisement would put the moved default route back into main. */
function advertisedDefaults({ nic, family }: NicWithTable): DesiredSysctl[] {
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
