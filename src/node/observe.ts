// Reads from a namespace what a plan speaks of, in few round trips whose cost does not grow with the node's pods.
// Sysctls are read apart: those of a link exist only once the link does.

import type { NetworkNamespace } from '#net';
import {
  type DesiredNamespace,
  type DesiredNetwork,
  nothingObserved,
  type ObservedNamespace,
} from '#plan/network';

/**
 * The pod's namespace, which is small: everything at once. Without veth0 there can be no neighbours on it, and the
 * nftables table is replaced anyway: a first ADD does not ask for them.
 */
export function observePod(pod: NetworkNamespace, desired: DesiredNetwork): ObservedNamespace {
  const { podLink } = desired.summary;
  const links = pod.links();
  const exists = links.some((link) => link.name === podLink);
  const { table } = desired.pod;
  return {
    links,
    addresses: pod.addresses(),
    routes: pod.routes(),
    rules: pod.rules(),
    neighbours: exists ? pod.neighbours({ dev: podLink }) : [],
    sysctls: new Map(),
    table: exists && table !== undefined ? pod.nftTable(table.family, table.name) : undefined,
  };
}

/** The attachment's part of the node's namespace: dumps narrowed to its link. */
export function observeNode(node: NetworkNamespace, desired: DesiredNetwork): ObservedNamespace {
  const { hostLink, hostTable } = desired.summary;
  const link = node.link(hostLink);
  const rules = node.rules();
  if (link === undefined) return { ...nothingObserved, rules };
  const dev = hostLink;
  return {
    links: [link],
    addresses: node.addresses({ dev }),
    routes: node.routes({ table: hostTable, dev }),
    rules,
    neighbours: node.neighbours({ dev }),
    sysctls: new Map(),
    table: undefined,
  };
}

/** Those of the plan's sysctls that the kernel has. */
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
