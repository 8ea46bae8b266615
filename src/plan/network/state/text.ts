// Network objects in iproute2's notation: for messages, golden tests and comparison with `ip route`.

import { type Address, type Cidr, formatAddress, formatCidr, maxPrefixLength } from '#ip';
import {
  type InterfaceAddress,
  IPPROTO,
  MAIN_TABLE,
  type Neighbour,
  type NextHop,
  type Route,
  RTPROT,
  type Rule,
} from '#net';
import { IPV6_DEFAULT_METRIC } from './numbers.ts';

/** The names of /etc/protocols. */
const ipProtocolNames: Readonly<Record<number, string>> = {
  [IPPROTO.icmp]: 'icmp',
  [IPPROTO.tcp]: 'tcp',
  [IPPROTO.udp]: 'udp',
  [IPPROTO.icmp6]: 'ipv6-icmp',
};

const protocolNames: Readonly<Record<number, string>> = {
  1: 'redirect',
  2: 'kernel',
  4: 'static',
  9: 'ra',
  16: 'dhcp',
};
const tableNames: Readonly<Record<number, string>> = { 253: 'default', [MAIN_TABLE]: 'main', 255: 'local' };

/** The route as `ip route show` prints it, without the table. */
export function routeText(route: Route): string {
  const family = route.destination.address.family;
  const words = [
    route.type === 'unicast' ? '' : route.type,
    destinationText(route.destination),
    hopText(route),
    route.protocol === RTPROT.boot ? '' : `proto ${protocolNames[route.protocol] ?? route.protocol}`,
    route.scope === 'global' ? '' : `scope ${route.scope}`,
    route.source === undefined ? '' : `src ${formatAddress(route.source)}`,
    metricText(route, family === 6 ? IPV6_DEFAULT_METRIC : 0),
    route.mtuBytes === undefined ? '' : `mtu ${route.mtuBytes}`,
    route.onlink ? 'onlink' : '',
    ...(route.nextHops ?? []).map((hop) => `nexthop ${hopText(hop)} weight ${hop.weight}`),
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** The rule as `ip rule show` prints it, with one space after the priority. */
export function ruleText(rule: Rule): string {
  const words = [
    `${rule.priority}:`,
    `from ${rule.from === undefined ? 'all' : destinationText(rule.from)}`,
    rule.to === undefined ? '' : `to ${destinationText(rule.to)}`,
    rule.mark === undefined ? '' : `fwmark ${markText(rule.mark)}`,
    rule.inputDev === undefined ? '' : `iif ${rule.inputDev}`,
    rule.ipProtocol === undefined ? '' : `ipproto ${ipProtocolNames[rule.ipProtocol] ?? rule.ipProtocol}`,
    rule.sourcePorts === undefined ? '' : `sport ${portsText(rule.sourcePorts)}`,
    `lookup ${tableText(rule.table)}`,
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** The neighbour as `ip neighbour show` prints it. */
export function neighbourText(neighbour: Neighbour): string {
  const mac = neighbour.mac === undefined ? '' : ` lladdr ${neighbour.mac}`;
  return `${formatAddress(neighbour.address)} dev ${neighbour.dev}${mac} ${neighbour.state.toUpperCase()}`;
}

/** The address as `ip address show` begins its line. */
export function addressText(address: InterfaceAddress): string {
  const inet = address.address.address.family === 4 ? 'inet' : 'inet6';
  return `${inet} ${formatCidr(address.address)} dev ${address.dev} scope ${address.scope}`;
}

export function tableText(table: number): string {
  return tableNames[table] ?? String(table);
}

function destinationText(cidr: Cidr): string {
  if (cidr.prefixLength === 0) return 'default';
  return cidr.prefixLength === maxPrefixLength(cidr.address.family)
    ? formatAddress(cidr.address)
    : formatCidr(cidr);
}

function hopText(hop: { readonly gateway?: Address; readonly dev?: string } | NextHop): string {
  const via = hop.gateway === undefined ? [] : ['via', formatAddress(hop.gateway)];
  return [...via, ...(hop.dev === undefined ? [] : ['dev', hop.dev])].join(' ');
}

function metricText(route: Route, usual: number): string {
  const metric = route.metric ?? usual;
  return metric === 0 ? '' : `metric ${metric}`;
}

function markText(mark: { readonly value: number; readonly mask: number }): string {
  const value = `0x${mark.value.toString(16)}`;
  return mark.mask === 0xffff_ffff ? value : `${value}/0x${mark.mask.toString(16)}`;
}

function portsText({ first, last }: NonNullable<Rule['sourcePorts']>): string {
  return first === last ? String(first) : `${first}-${last}`;
}
