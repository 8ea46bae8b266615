// Network objects as text, as iproute2 prints them. For errors, logs and traces.

import { formatAddress, formatCidr } from '#ip';
import type { NetworkChange } from './namespace.ts';
import {
  type InterfaceAddress,
  MAIN_TABLE,
  type Neighbour,
  type NextHop,
  type Route,
  type Rule,
} from './objects.ts';

/** `10.6.212.101/16 dev eth0`. */
function describeAddress({ address, dev }: InterfaceAddress): string {
  return `${formatCidr(address)} dev ${dev}`;
}

/** `blackhole 10.0.0.0/8 table 100`, `default via 10.6.0.1 dev eth0`. */
function describeRoute(route: Route): string {
  const words: string[] = route.type === 'unicast' ? [] : [route.type];
  words.push(route.destination.prefixLength === 0 ? 'default' : formatCidr(route.destination));
  words.push(...hop(route));
  if (route.table !== MAIN_TABLE) words.push(`table ${route.table}`);
  if (route.source !== undefined) words.push(`src ${formatAddress(route.source)}`);
  if (route.metric !== undefined) words.push(`metric ${route.metric}`);
  for (const next of route.nextHops ?? []) words.push('nexthop', ...hop(next), `weight ${next.weight}`);
  return words.join(' ');
}

function hop({ gateway, dev, onlink }: Partial<NextHop>): string[] {
  const words: string[] = [];
  if (gateway !== undefined) words.push(`via ${formatAddress(gateway)}`);
  if (dev !== undefined) words.push(`dev ${dev}`);
  if (onlink === true) words.push('onlink');
  return words;
}

/** `32764: from all fwmark 0x1/0xff iif eth0 lookup 100`, `32768: from all ipproto 6 sport 1-65534 lookup 98`. */
function describeRule({ priority, from, to, mark, inputDev, ipProtocol, sourcePorts, table }: Rule): string {
  const words = [`${priority}: from ${from === undefined ? 'all' : formatCidr(from)}`];
  if (to !== undefined) words.push(`to ${formatCidr(to)}`);
  if (mark !== undefined) words.push(`fwmark 0x${mark.value.toString(16)}/0x${mark.mask.toString(16)}`);
  if (inputDev !== undefined) words.push(`iif ${inputDev}`);
  if (ipProtocol !== undefined) words.push(`ipproto ${ipProtocol}`);
  if (sourcePorts !== undefined) words.push(`sport ${sourcePorts.first}-${sourcePorts.last}`);
  words.push(`lookup ${table}`);
  return words.join(' ');
}

/** `10.6.0.1 dev eth0 lladdr 0a:1b:0a:06:d4:f1 PERMANENT`. */
function describeNeighbour({ address, dev, mac, state }: Neighbour): string {
  const lladdr = mac === undefined ? '' : ` lladdr ${mac}`;
  return `${formatAddress(address)} dev ${dev}${lladdr} ${state.toUpperCase()}`;
}

/** The object of a change, with its kind: `route default via 10.6.0.1 dev eth0`. */
export function describeChange(change: NetworkChange): string {
  switch (change.kind) {
    case 'link':
      return `link ${change.verb === 'delete' ? change.name : change.link.name}`;
    case 'address':
      return `address ${describeAddress(change.address)}`;
    case 'route':
      return `route ${describeRoute(change.route)}`;
    case 'rule':
      return `rule ${describeRule(change.rule)}`;
    case 'neighbour':
      return `neighbour ${describeNeighbour(change.neighbour)}`;
    case 'proxy':
      return `neighbour proxy ${formatAddress(change.proxy.address)} dev ${change.proxy.dev}`;
  }
}
