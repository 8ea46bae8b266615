// What lets a pod without a default route answer through its node.

import { defaultDestination, type Family } from '#ip';
import { ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import { type Frame, hasFamily, sourceOf } from './frame.ts';
import { LAST_RULE_PRIORITY } from './numbers.ts';
import { replyWay } from './replies.ts';

/** IANA's numbers. */
const PROTOCOL = { icmp: 1, tcp: 6, icmp6: 58 } as const;

/** TCP chooses the port of a socket that asks after the way; the kernel takes no range up to 65535 (fib_rule_port_range_valid). */
const ANY_PORT = { first: 1, last: 65_534 } as const;

/** UDP chooses it before, among those above (ip_local_port_range): a server of UDP there is not told from a program that asks. */
const SERVED_PORTS = { first: 1, last: 32_767 } as const;

export function familiesWithoutDefault(frame: Frame, defaults: readonly Route[]): Family[] {
  return frame.gateways
    .map(({ family }) => family)
    .filter((family) => !defaults.some(({ destination }) => destination.address.family === family));
}

/**
 * The kernel looks for the way of an answer before its mark is restored, and without any route sends none: docs/adr/0028. This one has
 * no gateway. What is marked is looked up again and leaves by the reply table; nobody answers for the rest.
 */
export function lastResortRoute(frame: Frame, family: Family): Route {
  const { own, podLink } = replyWay(frame);
  const source = own ? sourceOf(frame, replyWay(frame), family) : undefined;
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

/** Not the overlay's: its end on the node may answer for everybody (proxy_arp of Calico), and would let questions out. */
function lanNic(frame: Frame, family: Family): string {
  return (frame.nics.find((nic) => nic.ours && hasFamily(nic, family)) ?? frame.first).name;
}

/**
 * After main, and for answers alone, told by what they leave from: the port of a server, which no socket has that only asks. A program
 * that asks learns at once that there is no way, as before.
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
    { ...rule, ipProtocol: PROTOCOL.tcp, sourcePorts: ANY_PORT },
    { ...rule, sourcePorts: SERVED_PORTS },
    { ...rule, ipProtocol: family === 4 ? PROTOCOL.icmp : PROTOCOL.icmp6 },
  ];
}
