// The world of a trace: namespaces, what they do to packets, and the segments that connect their links.

import type { Address, Cidr, Family } from '#ip';
import { IPPROTO, type Listener, type Mac } from '#net';
import type { ServiceFront } from './service-front.ts';
import type { NamespaceView } from './view.ts';

export interface Place {
  /** `default/web-1`, `node1`, `router`. */
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'machine';
  /** The node of a pod. */
  readonly node?: string;
  readonly view: NamespaceView;
  /** The namespace was not read. It is built from data of the API. */
  readonly assumed?: boolean;
  readonly firewall: Firewall;
  /** Where programs wait for connections and datagrams. Absent if that is not known. */
  readonly listeners?: readonly Listener[];
}

/** What netfilter does in a namespace, as far as it affects a packet's way. */
export interface Firewall {
  /** Our table of the pod: replies to connections that came in by this link leave by it. */
  readonly replyMarks?: ReplyMarks;
  /** kube-proxy's `ctstate INVALID drop` of forwarded packets. */
  readonly dropsInvalid?: boolean;
  /** kube-proxy's Services. Absent if there is no kube-proxy. */
  readonly services?: ServiceRules;
  /** SNAT of packets that leave the overlay (natOutgoing). */
  readonly masquerades?: readonly Masquerade[];
  /** Our table of the node: half-open connections from its pods into these networks are not INVALID (docs/adr/0022). */
  readonly halfOpenTo?: readonly Cidr[];
  /** Our table of the node: what pods of these networks send to Services gets the node's address (docs/adr/0044). */
  readonly masqueradesServicesOf?: readonly Cidr[];
  /**
   * Drops IPv6 packets whose source is reached by another link than they came in by: nft `fib saddr . iif oif missing`.
   */
  readonly strictIpv6?: boolean;
}

export interface ReplyMarks {
  readonly dev: string;
  /** Connections to addresses of the link itself are not marked. */
  readonly exceptOwn: boolean;
  /** The bit of the connection mark. */
  readonly bit: number;
  /** The mark of its packets. */
  readonly mark: number;
}

export interface ServiceRules {
  readonly fronts: readonly ServiceFront[];
  /** kube-proxy's `--cluster-cidr`. Packets to a ClusterIP from sources outside of it are masqueraded. */
  readonly clusterCidrs: readonly Cidr[];
}

export interface Masquerade {
  readonly from: Cidr;
  /** Destinations for which packets keep their source. */
  readonly except?: Cidr;
}

/** One end of a segment. */
export interface Port {
  readonly place: string;
  readonly link: string;
  /** The parent of a macvlan. The parent and the macvlan do not receive each other's frames. */
  readonly below?: { readonly place: string; readonly link: string };
}

/** The ports that one Ethernet frame reaches: a veth pair, or a LAN with all its ports. */
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
  /** The first packet of the connection, its reply, and the next packet (for TCP the ACK). */
  readonly kind: 'first' | 'answer' | 'next';
}

/** The number that rules match. */
export function ipProtocolOf(protocol: Protocol, family: Family): number {
  return IPPROTO[protocol === 'icmp' && family === 6 ? 'icmp6' : protocol];
}

export function placeOf({ places }: World, name: string): Place | undefined {
  return places.find((place) => place.name === name);
}

export function macOf({ view }: Place, link: string): Mac | undefined {
  return view.links.find(({ name }) => name === link)?.mac;
}
