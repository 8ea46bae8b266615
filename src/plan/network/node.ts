// What a node needs once, whatever its pods: sysctls, and the rule that leads to the table of routes to pods.

import type { Family } from '#ip';
import { ROUTE_PROTOCOL, type Rule } from '#net';
import { type DesiredNamespace, type DesiredSysctl, emptyNamespace } from './desired.ts';
import { HOST_RULE_PRIORITY } from './numbers.ts';

/** 110 pods of 256 neighbours each; the kernel's 1024 overflow (Spiderpool #3587). */
const NEIGHBOUR_LIMIT = String(110 * 256);

/** What the plan of a node is made of. */
export interface NodeInput {
  /** Links whose accept_ra is 1: they take their router from advertisements. */
  readonly advertisedLinks: readonly string[];
  /** NICs and tunnels whose rp_filter is 1, strict. */
  readonly filteringLinks: readonly string[];
  readonly families: readonly Family[];
  /** Undefined while it is not known: then no rule leads to one. */
  readonly hostRuleTable: number | undefined;
  /** `tuneSysctlConfig` of the agent's configuration. */
  readonly tuneSysctls: boolean;
}

export function planNode(input: NodeInput): DesiredNamespace {
  const { families, hostRuleTable: table } = input;
  const rules = table === undefined ? [] : families.map((family) => hostRule(family, table));
  const sysctls = input.tuneSysctls ? nodeSysctls(input) : [];
  return {
    ...emptyNamespace,
    rules: rules.map((rule) => ({ ...rule, owner: 'node' as const })),
    sysctls: sysctls.map((sysctl) => ({ ...sysctl, owner: 'node' as const })),
  };
}

/** `1000: from all lookup 500` */
export function hostRule(family: Family, table: number): Rule {
  return { family, priority: HOST_RULE_PRIORITY, table, protocol: ROUTE_PROTOCOL };
}

/** In the order they are to be written. */
function nodeSysctls({ advertisedLinks, filteringLinks }: NodeInput): DesiredSysctl[] {
  return [
    { key: 'ipv4/neigh/default/gc_thresh3', value: NEIGHBOUR_LIMIT, atLeast: true },
    { key: 'ipv6/neigh/default/gc_thresh3', value: NEIGHBOUR_LIMIT, atLeast: true },
    { key: 'ipv4/conf/all/arp_notify', value: '1' },
    { key: 'ipv4/conf/all/forwarding', value: '1' },
    // Before forwarding, which makes the kernel drop the routers of links with accept_ra 1 (ip-sysctl.rst); 2 keeps them.
    ...advertisedLinks.map((link) => ({ key: `ipv6/conf/${link}/accept_ra`, value: '2' })),
    { key: 'ipv6/conf/all/forwarding', value: '1' },
    { key: 'ipv4/conf/all/rp_filter', value: '0' },
    // An underlay pod's packet comes to the node of an overlay pod by the tunnel, while the route to its source is the LAN: a strict
    // filter drops it, whatever `all` says, which only raises a link's own value. Loose is enough: docs/adr/0023.
    ...filteringLinks.map((link) => ({ key: `ipv4/conf/${link}/rp_filter`, value: '2' })),
  ];
}
