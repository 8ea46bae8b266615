// Lets a pod without a default route send replies through its node.

import { defaultDestination, type Family } from '#ip';
import { IPPROTO, ROUTE_PROTOCOL, type Route, type Rule } from '#net';
import { LAST_RULE_PRIORITY } from '../state/index.ts';
import { hasFamily, type PlanContext, sourceOf } from './plan-context.ts';
import { replyLink } from './replies.ts';

/**
 * A TCP client socket has no port yet when the kernel looks up its route, so any port means a reply. The kernel accepts
 * no range up to 65535 (fib_rule_port_range_valid).
 */
const anyPort = { first: 1, last: 65_534 } as const;

/**
 * A UDP client socket already has its port then. It is above this range (ip_local_port_range). Replies of a UDP server
 * above this range are not sent.
 */
const servedPorts = { first: 1, last: 32_767 } as const;

export function familiesWithoutDefault(context: PlanContext, defaults: readonly Route[]): Family[] {
  return context.gateways
    .map(({ family }) => family)
    .filter((family) => !defaults.some(({ destination }) => destination.address.family === family));
}

/**
 * The kernel looks up the route of a reply before our nftables table restores its mark. It sends nothing if no route
 * exists (docs/adr/0028). This route has no gateway. The kernel looks up a marked reply again, and the reply leaves by
 * the reply table. An unmarked packet stays here, because no neighbour answers for its destination's MAC address.
 */
export function lastResortRoute(context: PlanContext, family: Family): Route {
  const nodeLink = replyLink(context);
  const { own, podLink } = nodeLink;
  const source = own ? sourceOf(context, nodeLink, family) : undefined;
  return {
    destination: defaultDestination(family),
    table: context.numbers.lastTable,
    type: 'unicast',
    scope: family === 4 ? 'link' : 'global',
    protocol: ROUTE_PROTOCOL,
    dev: own ? podLink : lanNic(context, family),
    ...(source !== undefined && { source }),
  };
}

/**
 * Never the overlay's NIC: its peer may answer ARP for every address (Calico's proxy_arp), and requests would leave the
 * pod.
 */
function lanNic(context: PlanContext, family: Family): string {
  return (context.nics.find((nic) => nic.ours && hasFamily(nic, family)) ?? context.first).name;
}

/**
 * These rules come after main and match only replies. The source port identifies a reply: it is the port of a server,
 * and a client socket has none of these ports. So a client still gets the error immediately that no route exists.
 */
export function lastResortRules(context: PlanContext, family: Family): Rule[] {
  // The rule does not match `iif lo` alone. rp_filter uses ports in its reverse lookup only if a rule for all packets
  // has ports.
  const rule = {
    family,
    priority: LAST_RULE_PRIORITY,
    table: context.numbers.lastTable,
    protocol: ROUTE_PROTOCOL,
  };
  return [
    { ...rule, ipProtocol: IPPROTO.tcp, sourcePorts: anyPort },
    { ...rule, sourcePorts: servedPorts },
    { ...rule, ipProtocol: family === 4 ? IPPROTO.icmp : IPPROTO.icmp6 },
  ];
}
