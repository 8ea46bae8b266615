// A network namespace for a trace: everything that decides where a packet goes. It comes from a plan or from the
// kernel.

import type { Family } from '#ip';
import type { InterfaceAddress, Link, Neighbour, Route, Rule } from '#net';

/** The fields of a link that matter to packets. */
export type LinkView = Pick<Link, 'name' | 'kind' | 'mac' | 'up' | 'loopback'>;

export interface NamespaceView {
  /** In the kernel's order, which decides between equals. The same holds for addresses, routes and rules. */
  readonly links: readonly LinkView[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** By key below /proc/sys/net: `ipv4/conf/all/rp_filter`. An absent one is 0. */
  readonly sysctls: ReadonlyMap<string, string>;
}

/**
 * Whether it forwards packets of others. IPv4 decides for each link, and `all` only sets the links. IPv6 decides for
 * the namespace.
 */
export function forwards({ sysctls }: NamespaceView, family: Family, dev: string): boolean {
  const all = sysctls.get(`ipv${family}/conf/all/forwarding`) ?? '0';
  const own = family === 4 ? sysctls.get(`ipv4/conf/${dev}/forwarding`) : undefined;
  return (own ?? all) !== '0';
}

/** The larger of `all` and the link's own value. The kernel combines most of them like this (ip-sysctl.rst). */
export function linkSysctl({ sysctls }: NamespaceView, family: 'ipv4' | 'ipv6', dev: string, name: string) {
  const value = (link: string) => Number(sysctls.get(`${family}/conf/${link}/${name}`) ?? 0);
  return Math.max(value('all'), value(dev));
}
