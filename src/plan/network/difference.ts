// What tells a namespace from its desired state: for each object that is missing, wrong or stale a sentence for
// CHECK and the change that mends it, in an order that is safe to apply.

import { formatCidr } from '#ip';
import {
  type Change,
  type InterfaceAddress,
  type Link,
  type LinkSettings,
  MAIN_TABLE,
  type Neighbour,
  ROUTE_PROTOCOL,
  type Route,
  type Rule,
} from '#net';
import type {
  DesiredLink,
  DesiredNamespace,
  DesiredNetwork,
  DesiredSysctl,
  DesiredTable,
  Owned,
} from './desired.ts';
import {
  sameInterfaceAddress,
  sameNeighbour,
  sameNeighbourKey,
  sameRoute,
  sameRouteKey,
  sameRule,
} from './same.ts';
import { addressText, neighbourText, routeText, ruleText, tableText } from './text.ts';

/** What was found in a namespace; only what the desired state speaks of needs to be in it. */
export interface ObservedNamespace {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** By key; a sysctl that the kernel lacks is absent. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The nftables table as `nft -j list table` prints it. */
  readonly table: unknown;
}

/** One thing that is not as it should be. */
export interface Finding {
  /** `route 10.96.0.0/12 via 10.6.0.9 dev veth0 is missing from table main` */
  readonly problem: string;
  /** Something of ours that is no longer wanted: no fault of the present state. */
  readonly stale?: boolean;
  readonly mend?: Mend;
}

/** What mends a finding; absent where the object is another plugin's. */
export type Mend =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'sysctl'; readonly sysctl: DesiredSysctl }
  | { readonly kind: 'table'; readonly table: DesiredTable };

export const nothingObserved: ObservedNamespace = {
  links: [],
  addresses: [],
  routes: [],
  rules: [],
  neighbours: [],
  sysctls: new Map(),
  table: undefined,
};

/** Compares both namespaces of an attachment; the node's changes come first, for they make the veth pair. */
export function networkDifference(
  desired: DesiredNetwork,
  observed: { readonly pod: ObservedNamespace; readonly node: ObservedNamespace },
): { readonly node: readonly Finding[]; readonly pod: readonly Finding[] } {
  const { hostLink, podLink } = desired.summary;
  const host = observed.node.links.find((link) => link.name === hostLink);
  const pod = observed.pod.links.find((link) => link.name === podLink);
  const node = difference(desired.node, observed.node);
  const inPod = difference(desired.pod, observed.pod);
  if (pod === undefined ? host === undefined : host !== undefined && arePeers(host, pod)) {
    return { node, pod: inPod };
  }
  const problem = `link ${hostLink} of the node is not the peer of ${podLink} in the pod`;
  // Somebody else's veth0: nothing that we could mend.
  if (pod !== undefined) return { node, pod: [{ problem }, ...inPod] };
  // Left from another sandbox: nothing of what hangs on it can be used.
  const remove: Change = { verb: 'delete', kind: 'link', name: hostLink };
  const rest = difference(desired.node, { ...nothingObserved, rules: observed.node.rules });
  return { node: [{ problem, mend: { kind: 'change', change: remove } }, ...rest], pod: inPod };
}

export function arePeers(a: Link, b: Link): boolean {
  return a.kind === 'veth' && b.kind === 'veth' && a.linkIndex === b.index && b.linkIndex === a.index;
}

/**
 * Compares one namespace: links, then addresses, neighbours, link routes before the routes that need them as gateways
 * (the plan's own order), rules, the nftables table; stale objects last, so that there is never a gap.
 */
export function difference(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const neighbours = lastingNeighbours(desired, observed);
  return [
    ...desired.links.flatMap((link) => linkFindings(link, observed)),
    ...sysctlDifference(desired, observed.sysctls),
    ...desired.expectedAddresses.flatMap((address) => expectedAddressFindings(address, observed)),
    ...desired.addresses.flatMap((address) => addressFindings(address, observed)),
    ...desired.neighbours.flatMap((neighbour) => neighbourFindings(neighbour, neighbours)),
    ...desired.routes.flatMap((route) => routeFindings(route, observed)),
    ...desired.rules.flatMap((rule) => ruleFindings(rule, observed)),
    ...tableFindings(desired.table, observed),
    ...staleFindings(desired, observed),
  ];
}

/** The changes of findings, in their order. */
export function changesOf(findings: readonly Finding[]): Change[] {
  return findings.flatMap(({ mend }) => (mend?.kind === 'change' ? [mend.change] : []));
}

/** What CHECK says: every fault, nothing of what is merely stale. */
export function mismatches(findings: readonly Finding[]): string[] {
  return findings.filter((finding) => finding.stale !== true).map((finding) => finding.problem);
}

function mending(problem: string, change: Change): Finding[] {
  return [{ problem, mend: { kind: 'change', change } }];
}

function linkFindings(desired: Owned<DesiredLink>, observed: ObservedNamespace): Finding[] {
  const { name, type, mac, mtuBytes, txQueueLength } = desired;
  const link = observed.links.find((other) => other.name === name);
  if (link === undefined) {
    const problem = `link ${name} is missing`;
    if (type !== undefined) {
      const link = { name, type, ...settingsOf(desired), up: true };
      return mending(problem, { verb: 'create', kind: 'link', link });
    }
    // A peer comes into being with the other end, and needs but to be set up.
    if (desired.peerName !== undefined)
      return mending(problem, { verb: 'set', kind: 'link', link: { name, up: true } });
    return [{ problem }];
  }
  const wrong = [
    ...(mac !== undefined && link.mac !== mac ? [`has MAC address ${link.mac}, not ${mac}`] : []),
    ...(mtuBytes !== undefined && link.mtuBytes !== mtuBytes
      ? [`has MTU ${link.mtuBytes}, not ${mtuBytes}`]
      : []),
    ...(txQueueLength !== undefined && link.txQueueLength !== txQueueLength
      ? [`has transmit queue length ${link.txQueueLength}, not ${txQueueLength}`]
      : []),
    ...(link.up ? [] : ['is down']),
  ];
  if (wrong.length === 0) return [];
  // A MAC address that is right must not be set again: the kernel drops the link's neighbours each time.
  const { mac: _right, ...others } = settingsOf(desired);
  const settings = link.mac === mac ? others : settingsOf(desired);
  const change: Change = { verb: 'set', kind: 'link', link: { name, ...settings, up: true } };
  return mending(`link ${name} ${wrong.join(' and ')}`, change);
}

function settingsOf({
  mac,
  mtuBytes,
  txQueueLength,
}: DesiredLink): Pick<LinkSettings, 'mac' | 'mtuBytes' | 'txQueueLength'> {
  return {
    ...(mac !== undefined && { mac }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(txQueueLength !== undefined && { txQueueLength }),
  };
}

/** Neighbours as they will be: the kernel drops those of a link whose MAC address changes, permanent ones too. */
function lastingNeighbours(desired: DesiredNamespace, observed: ObservedNamespace): readonly Neighbour[] {
  const changing = desired.links
    .filter(
      ({ name, mac }) => mac !== undefined && observed.links.find((link) => link.name === name)?.mac !== mac,
    )
    .map(({ name }) => name);
  return observed.neighbours.filter(({ dev }) => !changing.includes(dev));
}

/** Compares sysctls alone: those of a link can be read only once the link is made. */
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
      { problem: `sysctl net/${key} is ${found}, not ${value}`, mend: { kind: 'sysctl', sysctl } as const },
    ];
  });
}

function expectedAddressFindings(desired: InterfaceAddress, observed: ObservedNamespace): Finding[] {
  if (observed.addresses.some((address) => sameInterfaceAddress(address, desired))) return [];
  return [{ problem: `address ${formatCidr(desired.address)} is missing from interface ${desired.dev}` }];
}

function addressFindings(desired: Owned<InterfaceAddress>, observed: ObservedNamespace): Finding[] {
  if (observed.addresses.some((address) => sameInterfaceAddress(address, desired))) return [];
  return mending(`address ${addressText(desired)} is missing`, {
    verb: 'replace',
    kind: 'address',
    address: desired,
  });
}

function neighbourFindings(desired: Owned<Neighbour>, neighbours: readonly Neighbour[]): Finding[] {
  const found = neighbours.find((neighbour) => sameNeighbourKey(neighbour, desired));
  if (found !== undefined && sameNeighbour(found, desired)) return [];
  const text = `neighbour ${neighbourText(desired)}`;
  const problem = found === undefined ? `${text} is missing` : `${text} is ${neighbourText(found)} instead`;
  return mending(problem, { verb: 'replace', kind: 'neighbour', neighbour: desired });
}

function routeFindings(desired: Owned<Route>, observed: ObservedNamespace): Finding[] {
  const there = observed.routes.filter((route) => sameRouteKey(route, desired));
  if (there.some((route) => sameRoute(route, desired))) return [];
  // In main a route of the user's own (a pool's, an annotation's) to the same network goes before ours.
  if (desired.table === MAIN_TABLE && there.some((route) => route.protocol !== ROUTE_PROTOCOL)) return [];
  const [found] = there;
  const text = `route ${routeText(desired)}`;
  const table = `table ${tableText(desired.table)}`;
  const problem =
    found === undefined
      ? `${text} is missing from ${table}`
      : `${text} of ${table} is ${routeText(found)} instead`;
  // Not "create": the pod's earlier sandbox may still have its route, by a link of its own that was not looked at.
  return mending(problem, { verb: 'replace', kind: 'route', route: desired });
}

function ruleFindings(desired: Owned<Rule>, observed: ObservedNamespace): Finding[] {
  if (observed.rules.some((rule) => sameRule(rule, desired))) return [];
  const family = desired.family === 6 ? 'IPv6 ' : '';
  return mending(`${family}rule ${ruleText(desired)} is missing`, {
    verb: 'create',
    kind: 'rule',
    rule: desired,
  });
}

function tableFindings(desired: Owned<DesiredTable> | undefined, observed: ObservedNamespace): Finding[] {
  if (desired === undefined) return [];
  const name = `nftables table ${desired.family} ${desired.name}`;
  const mend: Mend = { kind: 'table', table: desired };
  if (observed.table === undefined) return [{ problem: `${name} is missing`, mend }];
  const found = tableRules(observed.table);
  return desired.rules
    .filter((rule) => !found.some((other) => other.chain === rule.chain && other.comment === rule.comment))
    .map((rule) => ({
      problem: `rule '${rule.comment}' of chain ${rule.chain} in ${name} is missing`,
      mend,
    }));
}

/** The rules in nft's JSON (libnftables-json(5)): objects of the list with a member `rule`. */
function tableRules(table: unknown): { chain?: unknown; comment?: unknown }[] {
  const listed = (table as { nftables?: unknown } | null)?.nftables;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    const rule = (entry as { rule?: unknown } | null)?.rule;
    return typeof rule === 'object' && rule !== null ? [rule] : [];
  });
}

/** Ours, on the plan's links or in its rules, and not wanted: left by an earlier state of the settings or the node. */
function staleFindings(desired: DesiredNamespace, observed: ObservedNamespace): Finding[] {
  const links = new Set(desired.links.map((link) => link.name));
  const ownLinks = new Set(
    desired.links.filter((link) => link.peerName !== undefined).map((link) => link.name),
  );
  const stale = (problem: string, change: Change): Finding => ({
    problem: `${problem} is stale`,
    stale: true,
    mend: { kind: 'change', change },
  });
  const rules = observed.rules.filter(
    (rule) =>
      desired.ownsRules &&
      rule.protocol === ROUTE_PROTOCOL &&
      !desired.rules.some((want) => sameRule(want, rule)),
  );
  const routes = observed.routes.filter(
    (route) =>
      route.protocol === ROUTE_PROTOCOL &&
      links.has(route.dev ?? '') &&
      !desired.routes.some((want) => sameRouteKey(want, route)),
  );
  const neighbours = observed.neighbours.filter(
    (neighbour) =>
      neighbour.protocol === ROUTE_PROTOCOL &&
      links.has(neighbour.dev) &&
      !desired.neighbours.some((want) => sameNeighbourKey(want, neighbour)),
  );
  const addresses = observed.addresses.filter(
    (address) =>
      ownLinks.has(address.dev) &&
      !isKernelMade(address) &&
      !desired.addresses.some((want) => sameInterfaceAddress(want, address)),
  );
  return [
    ...rules.map((rule) => stale(`rule ${ruleText(rule)}`, { verb: 'delete', kind: 'rule', rule })),
    // Routes through a gateway before the link routes that lead to the gateway.
    ...routes
      .toReversed()
      .map((route) => stale(`route ${routeText(route)}`, { verb: 'delete', kind: 'route', route })),
    ...neighbours.map((neighbour) =>
      stale(`neighbour ${neighbourText(neighbour)}`, { verb: 'delete', kind: 'neighbour', neighbour }),
    ),
    ...addresses.map((address) =>
      stale(`address ${addressText(address)}`, { verb: 'delete', kind: 'address', address }),
    ),
  ];
}

/** IPv6's link-local address of each link. */
function isKernelMade(address: InterfaceAddress): boolean {
  return address.address.address.family === 6 && address.scope === 'link';
}
