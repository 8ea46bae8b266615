// Compares a namespace with its desired state. Each missing, wrong or stale object gives a sentence for CHECK and the
// change that corrects it. The changes are in an order that is safe to apply.

import { formatCidr } from '#ip';
import { type InterfaceAddress, type Neighbour, type NetworkChange, ROUTE_PROTOCOL, type Rule } from '#net';
import {
  addressText,
  type DesiredNamespace,
  type DesiredNetwork,
  isForeign,
  isLinkGateway,
  neighbourText,
  nothingObserved,
  type ObservedNamespace,
  ruleText,
  sameInterfaceAddress,
  sameNeighbour,
  sameNeighbourKey,
  sameRule,
} from '../state/index.ts';
import { type Finding, fixable, foreign, stale } from './finding.ts';
import { arePeers, isHostLink, lastingNeighbours, linkFindings } from './link-difference.ts';
import { proxyFindings } from './proxy-difference.ts';
import { displacedRoutes, routeFindings, staleRoutes } from './route-difference.ts';
import { tableFindings } from './table-difference.ts';

/** Compares both namespaces of a pod. The node's changes come first, because they make the veth pair. */
export function networkDifference(
  desired: DesiredNetwork,
  observed: { readonly pod: ObservedNamespace; readonly node: ObservedNamespace },
): { readonly node: readonly Finding[]; readonly pod: readonly Finding[] } {
  const node = difference(desired.node, observed.node);
  const inPod = difference(desired.pod, observed.pod);
  if (desired.veth === undefined) return { node, pod: inPod };
  const { hostLink, hostMac, podLink } = desired.veth;
  const host = observed.node.links.find((link) => link.name === hostLink);
  const pod = observed.pod.links.find((link) => link.name === podLink);
  if (pod === undefined ? host === undefined : host !== undefined && arePeers(host, pod)) {
    return { node, pod: inPod };
  }
  const problem = `link ${hostLink} of the node is not the peer of ${podLink} in the pod`;
  // This veth0 belongs to another program. We cannot correct it.
  if (pod !== undefined) return { node, pod: [{ problem }, ...inPod] };
  if (!isHostLink(host, hostMac)) {
    return {
      node: [{ problem: `link ${hostLink} of the node is another program's` }],
      pod: inPod,
    };
  }
  // The link belongs to an earlier sandbox. No object on it can be used.
  const remove: NetworkChange = { verb: 'delete', kind: 'link', name: hostLink };
  const links = observed.node.links.filter((link) => link.name !== hostLink);
  const { rules, table } = observed.node;
  const rest = difference(desired.node, { ...nothingObserved, links, rules, table });
  return { node: [{ problem, fix: { kind: 'change', change: remove } }, ...rest], pod: inPod };
}

/**
 * Compares one namespace: links, then addresses, neighbours, routes, rules and the nftables table. Deletions come last,
 * so that traffic never has a gap.
 */
export function difference(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const neighbours = lastingNeighbours(desired, observed);
  return [
    ...desired.links.flatMap((link) => linkFindings(link, observed)),
    ...sysctlDifference(desired, observed.sysctls),
    ...desired.expectedAddresses.flatMap((address) => expectedAddressFindings(address, observed)),
    ...desired.addresses.flatMap((address) => addressFindings(address, observed)),
    ...desired.neighbours.flatMap((neighbour) => neighbourFindings(neighbour, neighbours)),
    ...routeFindings(desired, observed),
    ...proxyFindings(desired, observed),
    ...desired.rules.flatMap((rule) => ruleFindings(rule, observed)),
    ...tableFindings(desired.table, observed.table),
    ...displacedRoutes(desired, observed),
    ...staleRules(desired, observed),
    ...staleRoutes(desired, observed),
    ...staleNeighbours(desired, observed),
    ...staleAddresses(desired, observed),
  ];
}

/** Compares only sysctls. Sysctls of a link can be read only after the link is made. */
export function sysctlDifference(
  desired: Pick<DesiredNamespace, 'sysctls'>,
  observed: ReadonlyMap<string, string>,
): Finding[] {
  return desired.sysctls.flatMap((sysctl) => {
    const { key, value, atLeast } = sysctl;
    const found = observed.get(key);
    if (found === undefined || found === value || (atLeast === true && Number(found) >= Number(value)))
      return [];
    return [
      { problem: `sysctl net/${key} is ${found}, not ${value}`, fix: { kind: 'sysctl', sysctl } as const },
    ];
  });
}

function expectedAddressFindings(desired: InterfaceAddress, observed: ObservedNamespace): Finding[] {
  if (observed.addresses.some((address) => sameInterfaceAddress(address, desired))) return [];
  return [{ problem: `address ${formatCidr(desired.address)} is missing from interface ${desired.dev}` }];
}

function addressFindings(desired: InterfaceAddress, observed: ObservedNamespace): Finding[] {
  if (observed.addresses.some((address) => sameInterfaceAddress(address, desired))) return [];
  const change: NetworkChange = { verb: 'replace', kind: 'address', address: desired };
  return [fixable(`address ${addressText(desired)} is missing`, change)];
}

function neighbourFindings(desired: Neighbour, neighbours: readonly Neighbour[]): Finding[] {
  const found = neighbours.find((neighbour) => sameNeighbourKey(neighbour, desired));
  if (found !== undefined && sameNeighbour(found, desired)) return [];
  const text = `neighbour ${neighbourText(desired)}`;
  const problem = found === undefined ? `${text} is missing` : `${text} is ${neighbourText(found)} instead`;
  if (found?.state === 'permanent' && isForeign(found)) return [foreign(problem)];
  return [fixable(problem, { verb: 'replace', kind: 'neighbour', neighbour: desired })];
}

function ruleFindings(desired: Rule, observed: ObservedNamespace): Finding[] {
  if (observed.rules.some((rule) => sameRule(rule, desired))) return [];
  const family = desired.family === 6 ? 'IPv6 ' : '';
  const problem = `${family}rule ${ruleText(desired)} is missing`;
  return [fixable(problem, { verb: 'create', kind: 'rule', rule: desired })];
}

function staleRules(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  if (!desired.complete) return [];
  return observed.rules
    .filter((rule) => rule.protocol === ROUTE_PROTOCOL && !desired.rules.some((want) => sameRule(want, rule)))
    .map((rule) => stale(`rule ${ruleText(rule)}`, { verb: 'delete', kind: 'rule', rule }));
}

function staleNeighbours(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  if (desired.sparing?.includes('neighbours') === true) return [];
  const links = new Set(desired.links.map((link) => link.name));
  return observed.neighbours
    .filter(
      (neighbour) =>
        neighbour.protocol === ROUTE_PROTOCOL &&
        !isLinkGateway(neighbour.address) &&
        (desired.complete || links.has(neighbour.dev)) &&
        !desired.neighbours.some((want) => sameNeighbourKey(want, neighbour)),
    )
    .map((neighbour) =>
      stale(`neighbour ${neighbourText(neighbour)}`, { verb: 'delete', kind: 'neighbour', neighbour }),
    );
}

/** Only on links that we make. Addresses on other links belong to the plugins of those links. */
function staleAddresses(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  if (desired.sparing?.includes('addresses') === true) return [];
  const made = desired.links.filter((link) => link.peerName !== undefined).map((link) => link.name);
  return observed.addresses
    .filter(
      (address) =>
        made.includes(address.dev) &&
        !isKernelMade(address) &&
        !desired.addresses.some((want) => sameInterfaceAddress(want, address)),
    )
    .map((address) => stale(`address ${addressText(address)}`, { verb: 'delete', kind: 'address', address }));
}

/** The link-local IPv6 address of each link. */
function isKernelMade(address: InterfaceAddress): boolean {
  return address.address.address.family === 6 && address.scope === 'link';
}
