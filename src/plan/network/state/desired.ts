// The desired state of a pod's network and of the pod's objects on its node, as plain data. ADD makes it, CHECK
// compares it, repair restores it, and DEL removes it.

import type { Address } from '#ip';
import type { InterfaceAddress, LinkKind, Mac, Neighbour, ProxyNeighbour, Route, Rule } from '#net';
import { fingerprint } from './mac.ts';

/** One NIC of one sandbox. */
export interface AttachmentKey {
  readonly containerId: string;
  readonly interfaceName: string;
}

/** The owner of an object. DEL of an attachment removes its objects. Objects of the node stay. */
export type Owner = AttachmentKey | 'node';

/** An object with its owner. */
export type Owned<T> = T & { readonly owner: Owner };

/**
 * A link as we want it. We make it if `type` is set. Otherwise another plugin makes it, or it is the peer of a veth.
 */
export interface DesiredLink {
  readonly name: string;
  readonly type?: LinkKind;
  /** The name of its veth peer in the other namespace. A link with this name but another peer is not ours. */
  readonly peerName?: string;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
}

/** A sysctl below /proc/sys/net. */
export interface DesiredSysctl {
  readonly key: string;
  readonly value: string;
  /** A larger value is also correct: limits that an administrator raised stay. */
  readonly atLeast?: boolean;
}

/** An nftables table of family inet that only we use. */
export interface DesiredTable {
  readonly name: string;
  readonly rules: readonly DesiredTableRule[];
}

/** A rule. Its comment identifies it. */
export interface DesiredTableRule {
  readonly chain: string;
  readonly comment: string;
  /**
   * nft(8) commands that create the rule in one transaction, in any earlier state of the table. Several rules may share
   * them.
   */
  readonly commands: string;
}

/** What we want in one namespace. Links and addresses that other programs make are only expected. */
export interface DesiredNamespace {
  readonly links: readonly Owned<DesiredLink>[];
  readonly addresses: readonly Owned<InterfaceAddress>[];
  readonly routes: readonly Owned<Route>[];
  readonly rules: readonly Owned<Rule>[];
  readonly neighbours: readonly Owned<Neighbour>[];
  /** Addresses for which a NIC of the node answers. The NIC itself belongs to the node. */
  readonly proxies?: readonly Owned<ProxyNeighbour>[];
  readonly sysctls: readonly Owned<DesiredSysctl>[];
  readonly table?: Owned<DesiredTable>;
  /** Addresses that the main plugin set. CHECK looks for them, and we never add them. */
  readonly expectedAddresses: readonly InterfaceAddress[];
  /** Routes of other plugins that must not exist: default routes that moved to another table. */
  readonly unwantedRoutes: readonly Route[];
  /** Routes of other plugins that Multus deletes. Both states are correct: present and absent. */
  readonly leftRoutes: readonly Route[];
  /**
   * If true, the plan names all our objects here, and any other object of ours is stale. If false, this holds only for
   * objects on the plan's links.
   */
  readonly complete: boolean;
  /** Kinds of which the plan names only some objects: the others on its links belong to other plans, and none is stale. */
  readonly sparing?: readonly ('routes' | 'neighbours' | 'addresses')[];
  /** If true, another program's route in the place of ours is a finding in table main too. */
  readonly insisting?: boolean;
}

/**
 * The whole plan of one pod. It covers all NICs together, because they share rules, tables and the path to the node.
 */
export interface DesiredNetwork {
  readonly pod: DesiredNamespace;
  readonly node: DesiredNamespace;
  /** The veth pair that we make. Undefined if an overlay's own pair is used instead. */
  readonly veth: VethPair | undefined;
  /** The NICs that the coordinator configures. The pod's first NIC comes first. */
  readonly nics: readonly PlannedNic[];
  /** What the user asked for and the plan leaves out, with the reason. For the log. */
  readonly notes: readonly string[];
}

/** The two ends of a veth pair between the pod and its node. */
export interface VethPair {
  readonly hostLink: string;
  readonly hostMac: Mac;
  readonly podLink: string;
  readonly podMac: Mac;
}

/** What DEL and the CNI result need to know about one NIC. */
export interface PlannedNic {
  readonly name: string;
  /** Its MAC address after the plan is applied. Undefined if the NIC keeps its present one. */
  readonly mac: Mac | undefined;
  /** The link and the table of the node's routes to the NIC's addresses. */
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
  complete: false,
};

/** A namespace that must contain no object of ours. */
export const nothingWanted: DesiredNamespace = { ...emptyNamespace, complete: true };

/**
 * nft prints the same rule differently in each version. The comment holds a fingerprint of the rule that we asked for.
 */
export function ruleComment(rule: string): string {
  return `orbweaver ${fingerprint(rule)}`;
}
