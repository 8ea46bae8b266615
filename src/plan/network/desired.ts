// The desired state of a pod's network and of its node's share in it, as plain data: what ADD makes, CHECK
// compares, repair restores and DEL removes.

import type { Address } from '#ip';
import type { InterfaceAddress, LinkKind, Mac, Neighbour, Route, Rule } from '#net';

/** One NIC of one sandbox. */
export interface AttachmentKey {
  readonly containerId: string;
  readonly interfaceName: string;
}

/** Whom an object belongs to: it goes when its attachment goes; the node's own stay. */
export type Owner = AttachmentKey | 'node';

/** An object with its owner. */
export type Owned<T> = T & { readonly owner: Owner };

/** A link as we want it: made by us where `type` is given, else made by another plugin or as a veth's peer. */
export interface DesiredLink {
  readonly name: string;
  readonly type?: LinkKind;
  /** The name of its veth peer in the other namespace: what has the name but another peer is not ours. */
  readonly peerName?: string;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
}

/** A sysctl below /proc/sys/net. */
export interface DesiredSysctl {
  readonly key: string;
  readonly value: string;
  /** A larger number is as good: limits that an administrator has raised stay. */
  readonly atLeast?: boolean;
}

/** An nftables table of family inet that is ours alone. */
export interface DesiredTable {
  readonly name: string;
  readonly rules: readonly DesiredTableRule[];
}

/** A rule, known by its comment. */
export interface DesiredTableRule {
  readonly chain: string;
  readonly comment: string;
  /** nft(8) commands that put it there in one transaction, whatever the table was; several rules may share them. */
  readonly commands: string;
}

/** What we want in one namespace; links and addresses that others make are only expected. */
export interface DesiredNamespace {
  readonly links: readonly Owned<DesiredLink>[];
  readonly addresses: readonly Owned<InterfaceAddress>[];
  readonly routes: readonly Owned<Route>[];
  readonly rules: readonly Owned<Rule>[];
  readonly neighbours: readonly Owned<Neighbour>[];
  readonly sysctls: readonly Owned<DesiredSysctl>[];
  readonly table?: Owned<DesiredTable>;
  /** Addresses that the main plugin set: CHECK looks for them, we never make them. */
  readonly expectedAddresses: readonly InterfaceAddress[];
  /** Routes of other plugins that must not be there: default routes that have moved to another table. */
  readonly unwantedRoutes: readonly Route[];
  /** Routes of other plugins that Multus deletes or has deleted: neither their absence nor their presence is wrong. */
  readonly leftRoutes: readonly Route[];
  /** The plan speaks of all that is ours here: what it does not want is stale. Else only what is on its links. */
  readonly whole: boolean;
}

/** The whole plan of one pod: all its NICs together, since they share rules, tables and the way to the node. */
export interface DesiredNetwork {
  readonly pod: DesiredNamespace;
  readonly node: DesiredNamespace;
  /** The veth pair that we make; an overlay's own may serve instead. */
  readonly veth: VethPair | undefined;
  /** The NICs that the coordinator works on, the first of the pod first. */
  readonly nics: readonly PlannedNic[];
  /** What the user asked for and the plan leaves out, with the reason; for the log. */
  readonly notes: readonly string[];
}

/** The two ends of a veth pair between the pod and its node. */
export interface VethPair {
  readonly hostLink: string;
  readonly hostMac: Mac;
  readonly podLink: string;
  readonly podMac: Mac;
}

/** What DEL and the CNI result need to know of one NIC. */
export interface PlannedNic {
  readonly name: string;
  /** Its MAC address once the plan is applied; undefined where it keeps the one it has. */
  readonly mac: Mac | undefined;
  /** Where the node's routes to its addresses lead: by this link, in this table. */
  readonly hostLink: string;
  readonly hostTable: number;
  readonly addresses: readonly Address[];
}

export const emptyNamespace: DesiredNamespace = {
  links: [],
  addresses: [],
  routes: [],
  rules: [],
  neighbours: [],
  sysctls: [],
  expectedAddresses: [],
  unwantedRoutes: [],
  leftRoutes: [],
  whole: false,
};

/** A namespace in which nothing of ours is to stay. */
export const nothingWanted: DesiredNamespace = { ...emptyNamespace, whole: true };
