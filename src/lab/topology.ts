// The lab's machines and cables: a LAN, a router, an outside client and the nodes, each a network namespace.
//
//   client ── router ══ lan bridge ══ node1 … nodeN
//   outside            10.6.0.0/16, fd00:10:6::/64
//
// iproute2 builds it, not our kernel floor: a fixture made by the code under test would share its mistakes.

import type { Family } from '#ip';
import { bothFamilies, type DualStack, type LabNode, nodeNic, outside, underlay } from './addressing.ts';
import { runSync } from './command.ts';

/** A namespace with the `ip` commands that are run in it; without a name they run where the lab itself lives. */
export interface NetnsCommands {
  readonly netns?: string;
  readonly commands: readonly string[];
}

/** The namespaces that are machines of their own. */
export const routerNetns = 'router';
export const clientNetns = 'client';

/** Gives a NIC its addresses and a default route; `nodad`, for nobody shall wait for duplicate address detection. */
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

/** The commands that make everything, in order. */
export function topologyCommands(nodes: readonly LabNode[]): NetnsCommands[] {
  const machines = [routerNetns, clientNetns, ...nodes.map((node) => node.name)];
  return [
    {
      commands: [
        'link set lo up',
        'link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
        'link set lan up',
        ...machines.map((name) => `netns add ${name}`),
        `link add lan-router type veth peer name lan0 netns ${routerNetns}`,
        ...nodes.map(({ name }) => `link add lan-${name} type veth peer name ${nodeNic} netns ${name}`),
        ...[routerNetns, ...nodes.map(({ name }) => name)].map(
          (name) => `link set lan-${name} master lan up`,
        ),
      ],
    },
    {
      netns: routerNetns,
      commands: [
        `link add outside0 type veth peer name eth0 netns ${clientNetns}`,
        ...addressed('lan0', underlay.gateway, underlay.prefixLength),
        ...addressed('outside0', outside.gateway, outside.prefixLength),
      ],
    },
    {
      netns: clientNetns,
      commands: addressed('eth0', outside.client, outside.prefixLength, outside.gateway),
    },
    ...nodes.map((node) => ({
      netns: node.name,
      commands: [
        ...addressed(nodeNic, node.address, underlay.prefixLength, underlay.gateway),
        ...nodes.filter((other) => other !== node).flatMap(overlayRoutes),
      ],
    })),
  ];
}

/** The overlay's way to another node's pods: through its address on the LAN, without encapsulation, as Calico does within a subnet. */
function overlayRoutes(other: LabNode): string[] {
  return bothFamilies.map((family) => `route add ${other.overlayCidr[family]} via ${other.address[family]}`);
}

/** Runs `argv` in a namespace of the lab. */
export function inNetnsOf(netns: string, ...argv: string[]): [string, ...string[]] {
  return ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv];
}

/** Writes settings below /proc/sys/net of a namespace. */
function setSysctls(netns: string, settings: readonly [key: string, value: string][]): void {
  const lines = settings.map(([key, value]) => `echo ${value} >/proc/sys/net/${key}`);
  runSync({ argv: inNetnsOf(netns, 'sh', '-e'), input: `${lines.join('\n')}\n` });
}

/**
 * Makes it all; the caller is in network and mount namespaces of its own, or the machine would get it.
 * rp_filter is set because new namespaces inherit the machine's value, which a lab must not depend on.
 */
export function buildTopology(nodes: readonly LabNode[]): void {
  const forwarders = [routerNetns, ...nodes.map((node) => node.name)];
  for (const { netns, commands } of topologyCommands(nodes)) {
    if (netns !== undefined && forwarders.includes(netns)) {
      setSysctls(netns, [
        ['ipv4/ip_forward', '1'],
        ['ipv6/conf/all/forwarding', '1'],
        ['ipv4/conf/all/rp_filter', '0'],
        ['ipv4/conf/default/rp_filter', '0'],
      ]);
    }
    const where = netns === undefined ? [] : ['-n', netns];
    runSync({ argv: ['ip', ...where, '-batch', '-'], input: `${commands.join('\n')}\n` });
  }
}
