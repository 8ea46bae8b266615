// Reads from a namespace what a plan needs, in few round trips. The cost does not grow with the node's pods. Sysctls
// are read separately: those of a link exist only once the link does.

import type { NetworkNamespace } from '#net';
import type { DesiredNamespace, DesiredNetwork, ObservedNamespace } from '#plan/network';
import { type PodSight, seePod } from './pod-sight.ts';

/**
 * Reads everything in the pod's namespace, which is small. A first ADD does not ask for neighbours or the nftables
 * table. Without veth0 there are no neighbours on it, and the table is replaced anyway. What planning has already read
 * is not read again.
 */
export function observePod(
  pod: NetworkNamespace,
  desired: DesiredNetwork,
  { links, routes, rules }: PodSight = seePod(pod),
): ObservedNamespace {
  const exists = (name: string) => links.some((link) => link.name === name);
  const devs = [...new Set(desired.pod.neighbours.map(({ dev }) => dev))].filter(exists);
  const { table } = desired.pod;
  const mayHaveTable = desired.veth === undefined || exists(desired.veth.podLink);
  return {
    links,
    addresses: pod.addresses(),
    routes,
    rules,
    neighbours: devs.flatMap((dev) => pod.neighbours({ dev })),
    sysctls: new Map(),
    table: mayHaveTable && table !== undefined ? pod.nftRules(table.name) : [],
  };
}

/**
 * The pod's part of the node's namespace. Includes all routes of the tables that hold the pod's routes, on any link.
 */
export function observeWholeTables(node: NetworkNamespace, desired: DesiredNetwork): ObservedNamespace {
  return {
    ...observeNode(node, desired),
    routes: hostTables(desired).flatMap((table) => node.routes({ table })),
  };
}

function hostTables(desired: DesiredNetwork): number[] {
  return [...new Set(desired.nics.map(({ hostTable }) => hostTable))];
}

/** The pod's part of the node's namespace. The dumps are limited to the pod's links. */
export function observeNode(node: NetworkNamespace, desired: DesiredNetwork): ObservedNamespace {
  const find = (names: readonly string[]) =>
    [...new Set(names)].map((name) => node.link(name)).filter((link) => link !== undefined);
  const links = find(desired.node.links.map(({ name }) => name));
  const devs = links.map(({ name }) => name);
  const tables = hostTables(desired);
  const uplinks = find((desired.node.proxies ?? []).map(({ dev }) => dev));
  return {
    links: [...links, ...uplinks],
    addresses: devs.flatMap((dev) => node.addresses({ dev })),
    routes: devs.flatMap((dev) => tables.flatMap((table) => node.routes({ table, dev }))),
    rules: node.rules(),
    neighbours: devs.flatMap((dev) => node.neighbours({ dev })),
    proxies: uplinks.flatMap(({ name: dev }) => node.proxies({ dev })),
    sysctls: new Map(),
    table: desired.node.table === undefined ? [] : node.nftRules(desired.node.table.name),
  };
}

/** The plan's sysctls that the kernel has. */
export function readSysctls(
  namespace: NetworkNamespace,
  desired: Pick<DesiredNamespace, 'sysctls'>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { key } of desired.sysctls) {
    const value = namespace.sysctl(key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}
