// The world of a trace: namespaces with what they do to packets, and the segments that connect their links.

import type { Address, Cidr, Family } from '#ip';
import { IPPROTO, type Listener, type Mac } from '#net';
import type { ServiceFront } from './service-front.ts';
import type { NamespaceView } from './view.ts';

export interface Place {
  /** `default/web-1`, `node1`, `router`. */
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'machine';
  /** The node that a pod is on. */
  readonly node?: string;
  readonly view: NamespaceView;
  /** Not looked into: drawn from what the API tells. */
  readonly assumed?: boolean;
  readonly firewall: Firewall;
  /** Where programs wait for connections and datagrams; absent where that is not known. */
  readonly listeners?: readonly Listener[];
}

/** What netfilter does in a namespace, as far as a packet's way depends on it. */
export interface Firewall {
  /** Our table of the pod: connections that came in by this link are answered by it. */
  readonly replyMarks?: ReplyMarks;
  /** kube-proxy's `ctstate INVALID drop` of forwarded packets. */
  readonly dropsInvalid?: boolean;
  /** kube-proxy's Services; absent where there is no kube-proxy. */
  readonly services?: ServiceRules;
  /** SNAT of what leaves the overlay (natOutgoing). */
  readonly masquerades?: readonly Masquerade[];
  /** Our table of the node: half-seen connections from its pods into these networks are not INVALID (docs/adr/0022). */
  readonly halfOpenTo?: readonly Cidr[];
  /** Drops IPv6 packets that came in by another link than their source is reached by: nft `fib saddr . iif oif missing`. */
  readonly strictIpv6?: boolean;
}

export interface ReplyMarks {
  readonly dev: string;
  /** Connections to addresses of the link itself are left alone. */
  readonly exceptOwn: boolean;
  /** The bit of the connection's mark. */
  readonly bit: number;
  /** The mark of its packets. */
  readonly mark: number;
}

export interface ServiceRules {
  readonly fronts: readonly ServiceFront[];
  /** kube-proxy's `--cluster-cidr`: sources outside of it are masqueraded at a ClusterIP. */
  readonly clusterCidrs: readonly Cidr[];
}

export interface Masquerade {
  readonly from: Cidr;
  /** Destinations that keep their source. */
  readonly except?: Cidr;
}

/** One end of a segment. */
export interface Port {
  readonly place: string;
  readonly link: string;
  /** The parent of a macvlan: it and its child do not hear each other. */
  readonly below?: { readonly place: string; readonly link: string };
}

/** What one Ethernet frame reaches: a veth pair, or a LAN with everything on it. */
export interface Segment {
  readonly ports: readonly Port[];
}

export interface World {
  readonly places: readonly Place[];
  readonly segments: readonly Segment[];
}

export type Protocol = 'tcp' | 'udp' | 'icmp';

export interface Packet {
  readonly protocol: Protocol;
  readonly source: Address;
  readonly destination: Address;
  /** 0 for ICMP. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly mark: number;
  /** The first packet of the connection, its answer, and what follows (for TCP the ACK). */
  readonly kind: 'first' | 'answer' | 'next';
}

/** The number that rules ask for. */
export function ipProtocolOf(protocol: Protocol, family: Family): number {
  return IPPROTO[protocol === 'icmp' && family === 6 ? 'icmp6' : protocol];
}

export function placeOf({ places }: World, name: string): Place | undefined {
  return places.find((place) => place.name === name);
}

export function macOf({ view }: Place, link: string): Mac | undefined {
  return view.links.find(({ name }) => name === link)?.mac;
}
