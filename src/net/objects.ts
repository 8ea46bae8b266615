// The kernel's network objects as plain data, named as iproute2 names them: what the
// plan asks for, and what the kernel reports. Interfaces go by name within their namespace.

import type { Address, Cidr, Family } from '#ip';

/** A MAC address in lower-case colon form: `0a:1b:0a:06:d4:f1`. */
export type Mac = string;

/** A link as the kernel reports it (rtnetlink(7), `struct ifinfomsg`). */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `macvlan`, `bridge` …; undefined for a physical NIC and for `lo`. */
  readonly kind?: string;
  readonly mac?: Mac;
  readonly mtuBytes: number;
  readonly txQueueLength?: number;
  /** IFF_UP: asked to be up. */
  readonly up: boolean;
  /** IFF_LOWER_UP: has a carrier. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  /** IFLA_LINK: the index of the parent, or of a veth's peer; in another namespace where `linkNetnsId` is set. */
  readonly linkIndex?: number;
  /** IFLA_LINK_NETNSID: the namespace of `linkIndex`, as an id of this namespace. */
  readonly linkNetnsId?: number;
  /** The index of the bridge or bond that this link is a port of. */
  readonly masterIndex?: number;
  /** Of a VLAN. */
  readonly vlanId?: number;
  /** Of a bond: 0 balance-rr, 1 active-backup … (bonding.rst). */
  readonly bondMode?: number;
  readonly alias?: string;
}

/** What a link of each kind needs to be made. */
export type LinkKind =
  | {
      readonly kind: 'veth';
      /** The other end; `netnsFd` is an open namespace to make it in, this one if absent. */
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
  | { readonly kind: 'vlan'; readonly parent: string; readonly vlanId: number }
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

/** A link to be made, with its state right after. */
export interface LinkSpec {
  readonly name: string;
  readonly type: LinkKind;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
  readonly up?: boolean;
  readonly master?: string;
}

/** Changes to a link that exists; what is absent stays. */
export interface LinkSettings {
  readonly name: string;
  readonly newName?: string;
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
  readonly up?: boolean;
  /** A bridge or bond to become a port of; null to leave it. */
  readonly master?: string | null;
  /** Of a bond; see {@link bondOptions}. */
  readonly bondOptions?: Readonly<Record<string, string | number>>;
  readonly alias?: string;
  /** An open namespace to move the link to. */
  readonly netnsFd?: number;
}

/** How far an address or route reaches (rtnetlink(7), `rtm_scope`). */
export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere';

/** An address of an interface. */
export interface InterfaceAddress {
  readonly dev: string;
  /** The address with its prefix length; host bits are set. */
  readonly address: Cidr;
  readonly scope: Scope;
  /** IFA_F_NODAD: IPv6 only, no duplicate address detection. */
  readonly noDad?: boolean;
  /** IFA_F_NOPREFIXROUTE: the kernel makes no connected route. */
  readonly noPrefixRoute?: boolean;
  /** IFA_F_TENTATIVE: detection still runs. Reported only. */
  readonly tentative?: boolean;
  /** IFA_F_DADFAILED. Reported only. */
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

/** A route; a default route's destination is `0.0.0.0/0` or `::/0`. */
export interface Route {
  readonly destination: Cidr;
  /** The table's number; 254 is main. */
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
  /** rtm_protocol: who made it. 2 kernel, 3 boot, 4 static; ours is {@link ROUTE_PROTOCOL}. */
  readonly protocol: number;
  readonly dev?: string;
  readonly gateway?: Address;
  /** Preferred source address. */
  readonly source?: Address;
  /** Priority; the kernel gives IPv6 routes 1024 where none is said. */
  readonly metric?: number;
  readonly mtuBytes?: number;
  readonly onlink?: boolean;
  /** Several next hops instead of one; `dev` and `gateway` are then absent. */
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
  /** FIB_RULE_INVERT, `not`: it takes what its selectors do not. Reported only. */
  readonly inverted?: boolean;
  /** A route of its table counts only with a longer prefix. Reported only. */
  readonly suppressPrefixLength?: number;
  /** Selectors that are not read, as `uidrange`: whether it takes a packet is not known. Reported only. */
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

/** A rule of nftables, known by its chain and its comment. */
export interface NftRule {
  readonly chain: string;
  readonly comment: string | undefined;
}

/** A socket that waits for connections or datagrams. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** 0.0.0.0 or :: for all addresses. */
  readonly address: Address;
  readonly port: number;
}

/** Protocols above IP, by IANA's numbers (linux/in.h, linux/in6.h). */
export const IPPROTO = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export const MAIN_TABLE = 254;
/** The kernel's own: what is local to the namespace. */
export const LOCAL_TABLE = 255;

/** Who made a route or a rule (rtnetlink.h, RTPROT_*): `boot` is what `ip route` and plugins write, `ra` a router's advertisement. */
export const RTPROT = { kernel: 2, boot: 3, static: 4, ra: 9 } as const;

/**
 * The protocol number of every route, rule and neighbour we make, so that they can be told from
 * everybody else's. 0x4f ("O") is not taken in the kernel's rtnetlink.h.
 */
export const ROUTE_PROTOCOL = 0x4f;
