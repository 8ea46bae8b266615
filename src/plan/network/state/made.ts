// Builds each kind of object of a plan in one call: link routes, routes through a gateway, neighbours, rules.

import { type Address, type Cidr, type Family, hostCidr } from '#ip';
import { type Mac, type Neighbour, ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import type { PodNumbers } from './foreign-use.ts';
import { REPLY_RULE_PRIORITY, SOURCE_RULE_PRIORITY } from './numbers.ts';

const ALL_BITS = 0xffff_ffff;

/** `10.6.212.101 dev veth0 scope link src 10.6.212.241` */
export function linkRoute(address: Address, dev: string, table: number, from?: Address): Route {
  return {
    destination: hostCidr(address),
    table,
    type: 'unicast',
    // IPv6 routes have no scope; the kernel reports 0, which is global.
    scope: address.family === 4 ? 'link' : 'global',
    protocol: ROUTE_PROTOCOL,
    dev,
    ...(from !== undefined && { source: from }),
  };
}

/** `10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.212.241` */
export function gatewayRoute(
  destination: Cidr,
  gateway: Address,
  dev: string,
  table: number,
  from?: Address,
): Route {
  return {
    destination,
    table,
    type: 'unicast',
    scope: 'global',
    protocol: ROUTE_PROTOCOL,
    dev,
    gateway,
    ...(from !== undefined && { source: from }),
  };
}

/**
 * Without it, IPv6 gets no answer: a host answers neighbour discovery only for addresses of the link that was asked
 * (RFC 4861 §7.2.3).
 */
export function neighbour(address: Address, dev: string, mac: Mac): Neighbour {
  return { dev, address, mac, state: 'permanent', protocol: ROUTE_PROTOCOL };
}

/** `1000: from all fwmark 0x1 lookup 100` */
export function replyRule(family: Family, { replyTable, replyMark }: PodNumbers): Rule {
  return {
    family,
    priority: REPLY_RULE_PRIORITY,
    table: replyTable,
    mark: { value: replyMark, mask: ALL_BITS },
    protocol: ROUTE_PROTOCOL,
  };
}

/** `1001: from 10.7.168.173 lookup 101`. It has a priority of its own, so that the kernel refuses a second one. */
export function sourceRule(address: Address, table: number): Rule {
  return {
    family: address.family,
    priority: SOURCE_RULE_PRIORITY,
    table,
    from: hostCidr(address),
    protocol: ROUTE_PROTOCOL,
  };
}
