// What a node needs once for all its pods: sysctls, and the rule that leads to the table of routes to pods.

import type { Family } from '#ip';
import { ROUTE_PROTOCOL, type Rule } from '#net';
import {
  type DesiredNamespace,
  type DesiredSysctl,
  emptyNamespace,
  HOST_RULE_PRIORITY,
} from '../state/index.ts';

/** 110 pods with 256 neighbours each. The kernel's default of 1024 overflows (Spiderpool #3587). */
const NEIGHBOUR_LIMIT = String(110 * 256);

/** The input of a node's plan. */
export interface NodeInput {
  /** Links with accept_ra 1. They learn their router from advertisements. */
  readonly advertisedLinks: readonly string[];
  /** NICs and tunnels with rp_filter 1 (strict). */
  readonly filteringLinks: readonly string[];
  readonly families: readonly Family[];
  /** Undefined until it is known. Then the plan has no rule. */
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

/** The sysctls in the order in which they must be written. */
function nodeSysctls({ advertisedLinks, filteringLinks }: NodeInput): DesiredSysctl[] {
  return [
    { key: 'ipv4/neigh/default/gc_thresh3', value: NEIGHBOUR_LIMIT, atLeast: true },
    { key: 'ipv6/neigh/default/gc_thresh3', value: NEIGHBOUR_LIMIT, atLeast: true },
    { key: 'ipv4/conf/all/arp_notify', value: '1' },
    ...forwardingSysctls([4, 6], advertisedLinks),
    { key: 'ipv4/conf/all/rp_filter', value: '0' },
    // A packet from an underlay pod reaches the node of an overlay pod through the tunnel. The route to its source is
    // the LAN, so a strict filter drops it. The value of `all` cannot help, because it only raises a link's own value.
    // Loose is enough: docs/adr/0023.
    ...filteringLinks.map((link) => ({ key: `ipv4/conf/${link}/rp_filter`, value: '2' })),
  ];
}

/** `advertisedLinks` are those of {@link NodeInput}. */
export function forwardingSysctls(
  families: readonly Family[],
  advertisedLinks: readonly string[],
): DesiredSysctl[] {
  return families.flatMap((family) => {
    const forwarding = { key: `ipv${family}/conf/all/forwarding`, value: '1' };
    if (family === 4) return [forwarding];
    // Write these before forwarding. Forwarding makes the kernel delete the routers of links with accept_ra 1
    // (ip-sysctl.rst). With 2 they stay.
    return [
      ...advertisedLinks.map((link) => ({ key: `ipv6/conf/${link}/accept_ra`, value: '2' })),
      forwarding,
    ];
  });
}
