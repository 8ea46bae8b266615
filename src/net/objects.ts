// The kernel's network objects as plain data, with iproute2's names. Plans ask for them, and the kernel reports them.
// The name identifies an interface in its namespace.

import type { Address, Cidr, Family } from '#ip';

/** A MAC address in lower-case colon form: `0a:1b:0a:06:d4:f1`. */
export type Mac = string;

/** A link as the kernel reports it (rtnetlink(7), `struct ifinfomsg`). */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `macvlan`, `bridge` …. Undefined for a physical NIC and for `lo`. */
  readonly kind?: string;
  readonly mac?: Mac;
  readonly mtuBytes: number;
  readonly txQueueLength?: number;
  /** IFF_UP: the link is set up. */
  readonly up: boolean;
  /** IFF_LOWER_UP: the link has a carrier. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  /** IFLA_LINK: the index of the parent, or of a veth's peer. It is in another namespace if `linkNetnsId` is set. */
  readonly linkIndex?: number;
  /** IFLA_LINK_NETNSID: the namespace of `linkIndex`, as an id in this namespace. */
  readonly linkNetnsId?: number;
  /** IFLA_PARENT_DEV_NAME: the device of the bus, as `0000:3b:02.1` of PCI. Kernels before 5.14 do not say it. */
  readonly deviceName?: string;
  /** The index of the bridge or bond that this link is a port of. */
  readonly masterIndex?: number;
  /** Only of a VLAN. */
  readonly vlanId?: number;
  /** Only of a bond: 0 balance-rr, 1 active-backup … (bonding.rst). */
  readonly bondMode?: number;
  readonly alias?: string;
}

/** The fields that each kind of link needs when it is made. */
export type LinkKind =
  | {
      readonly kind: 'veth';
      /** The other end. `netnsFd` is an open namespace in which to make it. If absent, it is made in this namespace. */
      readonly peer: {
        readonly name: string;
        readonly mac?: Mac;
        readonly mtuBytes?: number;
        readonly txQueueLength?: number;
        readonly netnsFd?: number;
      };
    }
  | {
      readonly kind: 'macvlan';
      readonly parent: string;
      readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
    }
  | { readonly kind: 'ipvlan'; readonly parent: string; readonly mode: 'l2' | 'l3' | 'l3s' }
  | {
      readonly kind: 'vlan';
      readonly parent: string;
      readonly vlanId: number;
      /** VLAN_FLAG_LOOSE_BINDING: the link stays up, with its addresses and routes, while its parent is set down. */
      readonly looseBinding?: boolean;
    }
  | { readonly kind: 'bridge'; readonly vlanFiltering?: boolean }
  | {
      readonly kind: 'vxlan';
      readonly vni: number;
      readonly port: number;
      readonly local?: Address;
      readonly parent?: string;
      readonly learning: boolean;
    }
  | { readonly kind: 'dummy' }
  | {
      readonly kind: 'bond';
      readonly mode: number;
      /** See {@link bondOptions}. */
      readonly options?: Readonly<Record<string, string | number>>;
    };

/** A link to make, and its state after that. */
export interface LinkSpec {
  readonly name: string;
  readonly type: LinkKind;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
  readonly up?: boolean;
  readonly master?: string;
  /** An open namespace in which to make the link. Its parent is in this one. If absent, it is made in this namespace. */
  readonly netnsFd?: number;
}

/** Changes to an existing link. Absent fields stay unchanged. */
export interface LinkSettings {
  readonly name: string;
  readonly newName?: string;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
  readonly up?: boolean;
  /** The bridge or bond whose port the link becomes. null removes the link from its bridge or bond. */
  readonly master?: string | null;
  /** Only of a bond. See {@link bondOptions}. */
  readonly bondOptions?: Readonly<Record<string, string | number>>;
  readonly alias?: string;
  /** An open namespace into which the link is moved. */
  readonly netnsFd?: number;
}

/** How far an address or route reaches (rtnetlink(7), `rtm_scope`). */
export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere';

/** An address of an interface. */
export interface InterfaceAddress {
  readonly dev: string;
  /** The address with its prefix length. Host bits are set. */
  readonly address: Cidr;
  readonly scope: Scope;
  /** IFA_F_NODAD: no duplicate address detection. IPv6 only. */
  readonly noDad?: boolean;
  /** IFA_F_NOPREFIXROUTE: the kernel adds no connected route. */
  readonly noPrefixRoute?: boolean;
  /** IFA_F_TENTATIVE: duplicate address detection is still running. Reported only. */
  readonly tentative?: boolean;
  /** IFA_F_DADFAILED: duplicate address detection failed. Reported only. */
  readonly dadFailed?: boolean;
  /** IFA_PROTO: who made it. */
  readonly protocol?: number;
}

export interface NextHop {
  readonly gateway?: Address;
  readonly dev?: string;
  /** 1 … 256. */
  readonly weight: number;
  readonly onlink?: boolean;
}

/** A route. The destination of a default route is `0.0.0.0/0` or `::/0`. */
export interface Route {
  readonly destination: Cidr;
  /** The number of the table. 254 is main. */
  readonly table: number;
  readonly type:
    | 'unicast'
    | 'local'
    | 'broadcast'
    | 'anycast'
    | 'multicast'
    | 'blackhole'
    | 'unreachable'
    | 'prohibit'
    | 'throw';
  readonly scope: Scope;
  /** rtm_protocol: who made it. 2 is the kernel, 3 boot, 4 static. Ours is {@link ROUTE_PROTOCOL}. */
  readonly protocol: number;
  readonly dev?: string;
  readonly gateway?: Address;
  /** Preferred source address. */
  readonly source?: Address;
  /** The priority. The kernel gives 1024 to an IPv6 route without a metric. */
  readonly metric?: number;
  readonly mtuBytes?: number;
  readonly onlink?: boolean;
  /** Several next hops instead of one. `dev` and `gateway` are then absent. */
  readonly nextHops?: readonly NextHop[];
}

/** A policy rule (fib rule). */
export interface Rule {
  readonly family: Family;
  readonly priority: number;
  readonly table: number;
  readonly from?: Cidr;
  readonly to?: Cidr;
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly inputDev?: string;
  /** `ipproto`: a number of {@link IPPROTO}. */
  readonly ipProtocol?: number;
  /** `sport`, both ends included. */
  readonly sourcePorts?: { readonly first: number; readonly last: number };
  /** FIB_RULE_INVERT, `not`: the rule takes the packets that its selectors do not match. Reported only. */
  readonly inverted?: boolean;
  /** A route of its table counts only if its prefix is longer. Reported only. */
  readonly suppressPrefixLength?: number;
  /**
   * Selectors that are not read, for example `uidrange`. Then it is unknown whether the rule takes a packet. Reported
   * only.
   */
  readonly unread?: readonly string[];
  /** FRA_PROTOCOL: who made it. */
  readonly protocol: number;
}

/** A neighbour entry. */
export interface Neighbour {
  readonly dev: string;
  readonly address: Address;
  readonly mac?: Mac;
  readonly state:
    | 'permanent'
    | 'reachable'
    | 'stale'
    | 'delay'
    | 'probe'
    | 'incomplete'
    | 'failed'
    | 'noarp'
    | 'none';
  readonly protocol?: number;
}

/** An address for which a link answers ARP and neighbour discovery, although the address is elsewhere (`ip neigh add proxy`). */
export interface ProxyNeighbour {
  readonly dev: string;
  readonly address: Address;
  readonly protocol?: number;
}

/** A rule of nftables. Its chain and its comment identify it. */
export interface NftRule {
  readonly chain: string;
  readonly comment: string | undefined;
}

/** A socket that listens for connections or datagrams. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** 0.0.0.0 or :: means all addresses. */
  readonly address: Address;
  readonly port: number;
}

/** Protocols above IP by IANA's numbers (linux/in.h, linux/in6.h). */
export const IPPROTO = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export const MAIN_TABLE = 254;
/** The kernel's own table of local addresses. */
export const LOCAL_TABLE = 255;

/**
 * Who made a route or a rule (rtnetlink.h, RTPROT_*). `ip route` and plugins write `boot`. Routes from router
 * advertisements have `ra`.
 */
export const RTPROT = { kernel: 2, boot: 3, static: 4, ra: 9 } as const;

/**
 * The protocol number of every route, rule and neighbour that we make. It distinguishes them from those of others. 0x4f
 * ("O") is free in the kernel's rtnetlink.h.
 */
export const ROUTE_PROTOCOL = 0x4f;
