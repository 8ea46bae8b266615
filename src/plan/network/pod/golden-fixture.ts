// For tests of plans: the clusters of Spiderpool's golden tables, and a plan's objects in iproute2's notation.

import { parseAddress, parseCidr } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route } from '#net';
import { type CoordinatorOptions, mergeSettings } from '../settings/settings.ts';
import type { DesiredNetwork } from '../state/desired.ts';
import { routeText, ruleText } from '../state/text.ts';
import type { NicInput, OverlayNic } from './nic.ts';
import { planPod } from './pod.ts';

export const node4 = parseAddress('10.6.212.101');
export const node6 = parseAddress('fd00:10:6::101');

export function settingsOf(netConf: CoordinatorOptions = {}) {
  return mergeSettings({
    netConf: {
      overlayPodCIDR: ['10.233.64.0/18'],
      serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'],
      ...netConf,
    },
    podAnnotations: {},
    coordinator: undefined,
  });
}

/** A route of table main as a plugin makes it: `10.7.0.0/16 dev net1 scope link`, `default via 10.7.0.1 dev net1`. */
export function madeBy(dev: string, destination: string, gateway?: string, more: Partial<Route> = {}): Route {
  const cidr = parseCidr(destination);
  const isLink = gateway === undefined && cidr.address.family === 4;
  return {
    destination: cidr,
    table: MAIN_TABLE,
    type: 'unicast',
    scope: isLink ? 'link' : 'global',
    protocol: gateway === undefined ? 2 : 3,
    dev,
    ...(gateway !== undefined && { gateway: parseAddress(gateway) }),
    ...(cidr.address.family === 6 && { metric: gateway === undefined ? 256 : 1024 }),
    ...more,
  };
}

/** A macvlan NIC with the networks 10.`net`.0.0/16 and fd00:10:`net`::/64, and its routes. */
export function macvlan(
  name: string,
  net: number,
  host: string,
  families: readonly (4 | 6)[],
  more: { readonly table?: number; readonly netConf?: CoordinatorOptions } = {},
): NicInput {
  const four = parseAddress(`10.${net}.${host}`);
  const six = `fd00:10:${net}::${host.split('.')[1]}`;
  const { table, netConf } = more;
  return {
    name,
    addresses: [
      ...(families.includes(4) ? [{ address: four, prefixLength: 16 }] : []),
      ...(families.includes(6) ? [parseCidr(`${six}/64`)] : []),
    ],
    routes: [
      ...(families.includes(4)
        ? [
            madeBy(name, `10.${net}.0.0/16`, undefined, { source: four }),
            madeBy(name, '0.0.0.0/0', `10.${net}.0.1`),
          ]
        : []),
      ...(families.includes(6)
        ? [madeBy(name, `fd00:10:${net}::/64`), madeBy(name, '::/0', `fd00:10:${net}::1`)]
        : []),
    ],
    settings: settingsOf(netConf),
    ...(table !== undefined && { table }),
  };
}

/** A NIC of Calico: a veth with a /32 address and an artificial gateway. */
export const calico: OverlayNic = {
  name: 'eth0',
  mac: '02:ca:11:00:00:01',
  addresses: [parseCidr('10.233.105.154/32'), parseCidr('fd00:ca::154/128')],
  routes: [
    madeBy('eth0', '169.254.1.1/32'),
    madeBy('eth0', '0.0.0.0/0', '169.254.1.1'),
    madeBy('eth0', 'fd00:ca::154/128'),
    madeBy('eth0', '::/0', 'fe80::ecee:eeff:feee:eeee'),
  ],
  peer: { name: 'cali12345678901', mac: 'ee:ee:ee:ee:ee:ee', kind: 'veth' },
};

export function plan(
  nics: readonly NicInput[],
  overlay?: OverlayNic,
  nodeAddresses = [node4, node6],
): DesiredNetwork {
  const rest = { containerId: '0123456789abcdef', nodeAddresses };
  return planPod({ ...rest, nics, ...(overlay !== undefined && { overlay }) });
}

/** Routes of one table and family in iproute2's notation, sorted as text. */
export function table(routes: readonly Route[], number: number, family: 4 | 6 = 4): string[] {
  return routes
    .filter((route) => route.table === number && route.destination.address.family === family)
    .map((route) => routeText(route).replace(` proto ${ROUTE_PROTOCOL}`, ''))
    .sort();
}

export function rules({ pod }: DesiredNetwork, family: 4 | 6 = 4): string[] {
  return pod.rules
    .filter((rule) => rule.family === family)
    .map(ruleText)
    .sort();
}
