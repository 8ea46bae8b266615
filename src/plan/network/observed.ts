// What was found in a namespace; only what the desired state speaks of needs to be in it.

import type { InterfaceAddress, Link, Neighbour, NftRule, Route, Rule } from '#net';

export interface ObservedNamespace {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** By key; a sysctl that the kernel lacks is absent. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The rules of the nftables table that is ours. */
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
