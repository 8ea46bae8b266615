// What lets a pod without a default route answer through its node.

import { defaultDestination, type Family } from '#ip';
import { IPPROTO, ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import { type Frame, hasFamily, sourceOf } from './frame.ts';
import { LAST_RULE_PRIORITY } from './numbers.ts';
import { replyWay } from './replies.ts';

/**
 * A TCP socket that asks has no port yet when its way is looked up, so any port is that of an answer. The kernel takes no range up to
 * 65535 (fib_rule_port_range_valid).
 */
const ANY_PORT = { first: 1, last: 65_534 } as const;

/** A UDP socket that asks has its port by then: one above these (ip_local_port_range). A UDP server above these is not answered. */
const SERVED_PORTS = { first: 1, last: 32_767 } as const;

export function familiesWithoutDefault(frame: Frame, defaults: readonly Route[]): Family[] {
  return frame.gateways
    .map(({ family }) => family)
    .filter((family) => !defaults.some(({ destination }) => destination.address.family === family));
}

/**
 * The kernel looks up the way of an answer before our nftables table restores its mark, and sends nothing where there is no route
 * (docs/adr/0028). This route has no gateway. A marked answer is then looked up again and leaves by the reply table. What has no mark
 * stays here: nobody answers for its destination's MAC address.
 */
export function lastResortRoute(frame: Frame, family: Family): Route {
  const way = replyWay(frame);
  const { own, podLink } = way;
  const source = own ? sourceOf(frame, way, family) : undefined;
  return {
    destination: defaultDestination(family),
    table: frame.numbers.lastTable,
    type: 'unicast',
    scope: family === 4 ? 'link' : 'global',
    protocol: ROUTE_PROTOCOL,
    dev: own ? podLink : lanNic(frame, family),
    ...(source !== undefined && { source }),
  };
}

/** Not the overlay's NIC: its other end may answer ARP for every address (Calico's proxy_arp), and questions would get out. */
function lanNic(frame: Frame, family: Family): string {
  return (frame.nics.find((nic) => nic.ours && hasFamily(nic, family)) ?? frame.first).name;
}

/**
 * They come after main and take answers alone. An answer is known by its source port: it is the port of a server, and a socket that
 * only asks has none of these. So a program that asks still learns at once that there is no way.
 */
export function lastResortRules(frame: Frame, family: Family): Rule[] {
  // Not for `iif lo` alone: rp_filter looks up the way back with ports only where a rule for all packets asks for them.
  const rule = {
    family,
    priority: LAST_RULE_PRIORITY,
    table: frame.numbers.lastTable,
    protocol: ROUTE_PROTOCOL,
  };
  return [
    { ...rule, ipProtocol: IPPROTO.tcp, sourcePorts: ANY_PORT },
    { ...rule, sourcePorts: SERVED_PORTS },
    { ...rule, ipProtocol: family === 4 ? IPPROTO.icmp : IPPROTO.icmp6 },
  ];
}
