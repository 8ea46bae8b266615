// What netfilter does to a packet in one namespace: conntrack, the marks of our tables, and the NAT of kube-proxy and
// the overlay.

import { type Address, cidrContains, formatAddress, sameAddress } from '#ip';
import type { NextHop } from '#net';
import {
  type ConnectionState,
  type ConnectionTables,
  track,
  translateDestination,
  translateSource,
} from './connection.ts';
import { destinationText, endpointText, type Step } from './hop.ts';
import { type Balancing, balancing } from './service.ts';
import type { ServiceEndpoint } from './service-front.ts';
import { sourceFor } from './source-address.ts';
import type { Packet, Place } from './world.ts';

export interface NetfilterParts {
  readonly place: Place;
  readonly connections: ConnectionTables;
  /** Chooses one of several endpoints, where the kernel chooses at random. */
  readonly choose: (endpoints: readonly ServiceEndpoint[]) => ServiceEndpoint | undefined;
  readonly note: (kind: Step['kind'], text: string) => void;
}

type Tracked = Extract<ConnectionState, { state: 'new' | 'original' | 'reply' }>;

export class Netfilter {
  readonly #parts: NetfilterParts;
  /** kube-proxy's mark 0x4000. */
  #masquerades = false;
  /** The rule of our table. It comes before kube-proxy's. */
  #masqueradesFirst = false;

  constructor(parts: NetfilterParts) {
    this.#parts = parts;
  }

  track(packet: Packet): ConnectionState {
    const { connections, place, note } = this.#parts;
    const state = track(connections, place.name, packet);
    if (state.state === 'invalid') note('connection', `conntrack: INVALID, ${state.why}`);
    return state;
  }

  /** Prerouting in our table of the pod. */
  markConnection({ destination }: Packet, state: ConnectionState, inputDev: string): void {
    const { firewall, view } = this.#parts.place;
    const marks = firewall.replyMarks;
    if (state.state !== 'new' || marks?.dev !== inputDev) return;
    const isOfLink = view.addresses.some(
      ({ dev, address }) => dev === inputDev && sameAddress(address.address, destination),
    );
    if (marks.exceptOwn && isOfLink) return;
    state.connection.marked = true;
    this.#parts.note('mark', `conntrack mark 0x${marks.bit.toString(16)}: answers leave by ${inputDev} too`);
  }

  /** Output in our table of the pod. A packet with a mark is routed again. */
  restoreMark(packet: Packet, state: ConnectionState): Packet {
    const marks = this.#parts.place.firewall.replyMarks;
    if (marks === undefined || packet.mark !== 0 || !('connection' in state) || !state.connection.marked)
      return packet;
    return { ...packet, mark: marks.mark };
  }

  /**
   * DNAT of a first packet by kube-proxy, and of later packets by conntrack. Returns a reason if a Service drops the
   * packet.
   */
  balance(packet: Packet, state: ConnectionState): Packet | string {
    const { services } = this.#parts.place.firewall;
    if (state.state === 'new' && services !== undefined) {
      const found = balancing(services, this.#parts.place.name, packet, (address) => this.#isOwn(address));
      if (found !== undefined) return this.#toEndpoint(packet, state, found);
    }
    const translated = translateDestination(packet, state);
    if (!sameAddress(translated.destination, packet.destination)) {
      this.#parts.note('destination NAT', `conntrack: to ${destinationText(translated)}`);
    }
    return translated;
  }

  /** A forwarded packet's state after our table, or the reason to drop it. */
  forward(packet: Packet, state: ConnectionState, inputDev: string): ConnectionState | string {
    const { place, note } = this.#parts;
    this.#masqueradesFirst = this.#isToService(packet, state, inputDev);
    if (state.state !== 'invalid') return state;
    if (this.#isHalfOpen(packet, inputDev)) {
      note('connection', 'no longer tracked: our table accepts half-seen connections into the overlay');
      return { state: 'untracked' };
    }
    return place.firewall.dropsInvalid === true
      ? `kube-proxy drops packets that conntrack calls INVALID: ${state.why}`
      : state;
  }

  /**
   * Whether our table of the node lets the packet pass. It comes from a pod, goes into the overlay, and its source is
   * outside of the overlay.
   */
  #isHalfOpen({ source, destination }: Packet, inputDev: string): boolean {
    const networks = this.#parts.place.firewall.halfOpenTo ?? [];
    const kind = this.#parts.place.view.links.find(({ name }) => name === inputDev)?.kind;
    const isInside = (address: Address) => networks.some((cidr) => cidrContains(cidr, address));
    return (kind === 'veth' || kind === 'netkit') && isInside(destination) && !isInside(source);
  }

  /** Whether our table of the node masquerades the packet: it is the first from a pod of ours to a Service. */
  #isToService({ source }: Packet, state: ConnectionState, inputDev: string): boolean {
    if (state.state !== 'new' || !inputDev.startsWith('veth')) return false;
    const { first, translated } = state.connection;
    const networks = this.#parts.place.firewall.masqueradesServicesOf ?? [];
    return (
      !sameAddress(first.destination, translated.destination) &&
      networks.some((cidr) => cidrContains(cidr, source))
    );
  }

  /** After routing: conntrack's translations. For a first packet also those of kube-proxy and the overlay. */
  leave(packet: Packet, state: ConnectionState, hop: NextHop): Packet {
    const sent = this.#masquerade(translateSource(packet, state), state, hop);
    if (state.state !== 'new') this.#noteBack(packet, sent);
    return sent;
  }

  /** The packet as the receiving socket sees it. */
  deliver(packet: Packet, state: ConnectionState): Packet {
    const seen = state.state === 'reply' ? translateSource(packet, state) : packet;
    this.#noteBack(packet, seen);
    return seen;
  }

  #noteBack(before: Packet, { source, sourcePort }: Packet): void {
    if (sameAddress(source, before.source)) return;
    this.#parts.note(
      'source NAT',
      `translated back: the sender is ${endpointText(source, sourcePort)} again`,
    );
  }

  #toEndpoint(packet: Packet, state: Tracked, found: Balancing): Packet | string {
    const { front, by, endpoints, masquerades } = found;
    const name = `Service ${front.namespace}/${front.name}`;
    const endpoint = this.#parts.choose(endpoints);
    if (endpoint === undefined) {
      const where =
        front.endpoints.length === 0
          ? 'has no ready endpoint'
          : 'has no endpoint on this node, and its policy is Local';
      return `${name} ${where}`;
    }
    const { address, port } = endpoint;
    const chance = endpoints.length === 1 ? 'its endpoint' : `one of ${endpoints.length} at random`;
    this.#parts.note('destination NAT', `${by} of ${name}: to ${endpointText(address, port)}, ${chance}`);
    const { connection } = state;
    connection.translated = { ...connection.translated, destination: address, destinationPort: port };
    this.#masquerades = masquerades || sameAddress(address, packet.source);
    return { ...packet, destination: address, destinationPort: port };
  }

  #masquerade(packet: Packet, state: ConnectionState, hop: NextHop): Packet {
    if (state.state !== 'new') return packet;
    const natOutgoing = (this.#parts.place.firewall.masquerades ?? []).some(
      ({ from, except }) =>
        cidrContains(from, packet.source) &&
        (except === undefined || !cidrContains(except, packet.destination)),
    );
    if (!natOutgoing && !this.#masquerades && !this.#masqueradesFirst) return packet;
    const route = {
      destination: { address: packet.destination, prefixLength: 0 },
      table: 0,
      type: 'unicast',
      scope: 'global',
      protocol: 0,
    } as const;
    const source = sourceFor(this.#parts.place.view, packet.destination, route, hop);
    if (source === undefined || sameAddress(source, packet.source)) return packet;
    state.connection.translated = { ...state.connection.translated, source };
    this.#parts.note('source NAT', `${this.#masquerader()}: from ${formatAddress(source)}`);
    return { ...packet, source };
  }

  #masquerader(): string {
    if (this.#masqueradesFirst) return 'our table masquerades what pods send to Services (ipMasq)';
    return this.#masquerades ? 'kube-proxy masquerades' : 'the overlay masquerades packets that leave it';
  }

  #isOwn(address: Address): boolean {
    return this.#parts.place.view.addresses.some((each) => sameAddress(each.address.address, address));
  }
}
