// What was found in a namespace. It needs to contain only the kinds of objects that the desired state names.

import type { InterfaceAddress, Link, Neighbour, NftRule, ProxyNeighbour, Route, Rule } from '#net';

export interface ObservedNamespace {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** Those of the NICs that the desired state names. */
  readonly proxies?: readonly ProxyNeighbour[];
  /** By key. A sysctl that the kernel does not have is absent. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The rules of our nftables table. */
  readonly table: readonly NftRule[];
}

export const nothingObserved: ObservedNamespace = {
  links: [],
  addresses: [],
  routes: [],
  rules: [],
  neighbours: [],
  sysctls: new Map(),
  table: [],
};
