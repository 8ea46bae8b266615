// The lab's machines and cables: three LANs, a router, two clients behind it, and the nodes. Each machine is a network namespace.
//
//   client ── router ══ lan bridge ══ node1 … nodeN      ens160: 10.6.0.0/16, fd00:10:6::/64
//   branch ──        ══ lan2 bridge ═ node1 … nodeN      ens192: pods alone, 10.7.0.0/16, fd00:10:7::/64
//                    ══ lan3 bridge ═ node1 … nodeN      ens224: pods alone, 10.8.0.0/16, fd00:10:8::/64
//
// iproute2 builds it, not our kernel floor: a fixture made by the code under test would have the same mistakes.

import type { Family } from '#ip';
import {
  bothFamilies,
  branch,
  type DualStack,
  type LabNode,
  NODE_NIC,
  outside,
  type RpFilter,
  SECOND_NODE_NIC,
  secondLan,
  THIRD_NODE_NIC,
  thirdLan,
  underlay,
} from './addressing.ts';
import { runSync } from './command.ts';

/** A namespace and the `ip` commands to run in it. Without a name, they run in the lab's own namespace. */
export interface NetnsCommands {
  readonly netns?: string;
  readonly commands: readonly string[];
}

/** The namespaces of the machines that are not nodes. */
export const ROUTER_NETNS = 'router';
export const CLIENT_NETNS = 'client';
export const BRANCH_NETNS = 'branch';
/** All machines besides the nodes. */
export const machineNetns = [ROUTER_NETNS, CLIENT_NETNS, BRANCH_NETNS] as const;

/** The nftables table of family inet in a strict router. It drops IPv6 packets that came by a link other than that of the answer. */
export const LAB_STRICT_TABLE = 'lab-strict';

/** IPv6 has no rp_filter: nft_fib(8) does the same. */
const STRICT_IPV6 = `
table inet ${LAB_STRICT_TABLE} {
  chain prerouting {
    type filter hook prerouting priority raw
    meta nfproto ipv6 fib saddr . iif oif missing drop
  }
}
`;

/** Gives a NIC its addresses and a default route. `nodad` avoids the wait for duplicate address detection. */
function addressed(
  dev: string,
  address: DualStack,
  prefixLength: Readonly<Record<Family, number>>,
  gateway?: DualStack,
): string[] {
  return [
    'link set lo up',
    ...bothFamilies.map(
      (family) =>
        `addr add ${address[family]}/${prefixLength[family]} dev ${dev}${family === 6 ? ' nodad' : ''}`,
    ),
    `link set ${dev} up`,
    ...(gateway === undefined
      ? []
      : bothFamilies.map((family) => `route add default via ${gateway[family]}`)),
  ];
}

/** The commands that make every link, address and route, in order. The machines exist already. */
export function topologyCommands(nodes: readonly LabNode[]): NetnsCommands[] {
  return [
    {
      commands: [
        'link set lo up',
        ...bridge('lan', 'lan0', NODE_NIC, nodes),
        ...bridge('lan2', 'lan1', SECOND_NODE_NIC, nodes),
        ...bridge('lan3', 'lan2', THIRD_NODE_NIC, nodes),
      ],
    },
    {
      netns: ROUTER_NETNS,
      commands: [
        `link add outside0 type veth peer name eth0 netns ${CLIENT_NETNS}`,
        `link add branch0 type veth peer name eth0 netns ${BRANCH_NETNS}`,
        ...addressed('lan0', underlay.gateway, underlay.prefixLength),
        ...addressed('lan1', secondLan.gateway, secondLan.prefixLength),
        ...addressed('lan2', thirdLan.gateway, thirdLan.prefixLength),
        ...addressed('outside0', outside.gateway, outside.prefixLength),
        ...addressed('branch0', branch.gateway, branch.prefixLength),
        ...nodes.flatMap(overlayRoutes),
      ],
    },
    {
      netns: CLIENT_NETNS,
      commands: addressed('eth0', outside.client, outside.prefixLength, outside.gateway),
    },
    {
      netns: BRANCH_NETNS,
      commands: addressed('eth0', branch.client, branch.prefixLength, branch.gateway),
    },
    ...nodes.map((node) => ({
      netns: node.name,
      commands: [
        ...partedTables,
        ...addressed(NODE_NIC, node.address, underlay.prefixLength, underlay.gateway),
        `link set ${SECOND_NODE_NIC} up`,
        `link set ${THIRD_NODE_NIC} up`,
        ...nodes.filter((other) => other !== node).flatMap(overlayRoutes),
      ],
    })),
  ];
}

/**
 * Adds and deletes a rule, so that the kernel separates the local routes from table main now. The first rule of a namespace causes this.
 * For an instant, the kernel finds the local routes in neither table, and 127.0.0.1 is unreachable (fib4_rule_configure: fib_unmerge comes
 * before fib_has_custom_rules). On a real node, this has happened before its agent makes a rule while other programs communicate.
 */
const partedTables = ['rule add priority 1 lookup main', 'rule delete priority 1 lookup main'];

/** A LAN with a port for the router and one for each node. */
function bridge(name: string, routerNic: string, nic: string, nodes: readonly LabNode[]): string[] {
  const ports = [
    { netns: ROUTER_NETNS, dev: routerNic },
    ...nodes.map((node) => ({ netns: node.name, dev: nic })),
  ];
  return [
    `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${name} up`,
    ...ports.flatMap(({ netns, dev }) => [
      `link add ${name}-${netns} type veth peer name ${dev} netns ${netns}`,
      `link set ${name}-${netns} master ${name} up`,
    ]),
  ];
}

/**
 * The overlay's route to another node's pods: through that node's address on the LAN, without encapsulation, as Calico does within a
 * subnet. The router has the same route, as if Calico peered with it. Pods leave with their own address if natOutgoing is off.
 */
function overlayRoutes(other: LabNode): string[] {
  return bothFamilies.map((family) => `route add ${other.overlayCidr[family]} via ${other.address[family]}`);
}

/** Runs `argv` in a namespace of the lab. */
export function inNetnsOf(netns: string, ...argv: string[]): [string, ...string[]] {
  return ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv];
}

/** A machine before it has links; its links will take rp_filter from `default`. */
function makeMachine(netns: string, forwards: boolean, rpFilter: RpFilter): void {
  const settings = [
    ['ipv4/ip_forward', forwards ? 1 : 0],
    ['ipv6/conf/all/forwarding', forwards ? 1 : 0],
    // New namespaces inherit the values of the host machine, and a lab must not depend on those.
    ['ipv4/conf/all/rp_filter', rpFilter],
    ['ipv4/conf/default/rp_filter', rpFilter],
  ];
  runSync({ argv: ['ip', 'netns', 'add', netns] });
  const lines = settings.map(([key, value]) => `echo ${value} >/proc/sys/net/${key}`);
  runSync({ argv: inNetnsOf(netns, 'sh', '-e'), input: `${lines.join('\n')}\n` });
}

/**
 * Makes all machines and cables. The caller must be in its own network and mount namespaces; otherwise the host machine would be changed.
 */
export function buildTopology(nodes: readonly LabNode[], { strictRouter = false } = {}): void {
  makeMachine(ROUTER_NETNS, true, strictRouter ? 1 : 0);
  makeMachine(CLIENT_NETNS, false, 0);
  makeMachine(BRANCH_NETNS, false, 0);
  for (const { name, rpFilter } of nodes) makeMachine(name, true, rpFilter);
  for (const { netns, commands } of topologyCommands(nodes)) {
    const where = netns === undefined ? [] : ['-n', netns];
    runSync({ argv: ['ip', ...where, '-batch', '-'], input: `${commands.join('\n')}\n` });
  }
  if (strictRouter) runSync({ argv: inNetnsOf(ROUTER_NETNS, 'nft', '-f', '-'), input: STRICT_IPV6 });
}
