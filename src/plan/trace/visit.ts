// A packet in one namespace: netfilter's hooks and the routing in their order, until it is delivered, dropped or sent on.

import { type Address, cidrContains, formatAddress, sameAddress } from '#ip';
import type { NextHop } from '#net';
import { neighbourText } from '../network/text.ts';
import {
  type ConnectionState,
  type ConnectionTables,
  track,
  translateDestination,
  translateSource,
} from './connection.ts';
import { endpointText, type Hop, routeSteps, type Step, step } from './hop.ts';
import { type Decision, type Flow, lookUp } from './lookup.ts';
import { receiverOf } from './neighbour.ts';
import { sourceRefusal } from './reverse-path.ts';
import { type Balancing, balancing } from './service.ts';
import type { ServiceEndpoint } from './service-front.ts';
import { sourceFor } from './source-address.ts';
import { forwards } from './view.ts';
import type { Packet, Place, World } from './world.ts';

export interface Visit {
  readonly hop: Hop;
  /** As it was when it was sent on, delivered or dropped. */
  readonly packet: Packet;
  readonly outcome: 'sent' | 'delivered' | 'dropped';
  readonly next?: { readonly place: Place; readonly inputDev: string };
}

/** What stays the same along the way. */
export interface Journey {
  readonly world: World;
  readonly connections: ConnectionTables;
  /** Which endpoint of several chance is to take. */
  readonly choose: (endpoints: readonly ServiceEndpoint[]) => ServiceEndpoint | undefined;
}

/** `source` is what the sender bound itself to; undefined lets the kernel choose. */
export type OwnPacket = Omit<Packet, 'source'> & { readonly source?: Address };

/** A packet that the namespace sends itself. */
export function send(journey: Journey, place: Place, packet: OwnPacket): Visit {
  return new Passage(journey, place).send(packet);
}

/** A packet that comes in by a link. */
export function receive(journey: Journey, place: Place, packet: Packet, inputDev: string): Visit {
  return new Passage(journey, place, inputDev).receive(packet);
}

class Passage {
  readonly #journey: Journey;
  readonly #place: Place;
  readonly #inputDev: string | undefined;
  readonly #steps: Step[] = [];

  constructor(journey: Journey, place: Place, inputDev?: string) {
    this.#journey = journey;
    this.#place = place;
    this.#inputDev = inputDev;
  }

  send(own: OwnPacket): Visit {
    const { view } = this.#place;
    const { destination, mark } = own;
    const bound = own.source === undefined ? {} : { source: own.source };
    let decision = lookUp(view, { destination, mark, ...bound });
    const source = own.source ?? this.#chosenSource(destination, decision);
    if (source === undefined) return this.#noRoute({ ...own, source: destination }, decision);
    // connect(2) looks again with the source that it found; IPv6 keeps its first route (ip_route_connect, ip6_dst_lookup_tail).
    if (own.source === undefined && destination.family === 4)
      decision = lookUp(view, { destination, source, mark });
    const first: Packet = { ...own, source };
    const state = track(this.#journey.connections, this.#place.name, first);
    const translated = this.#balance(first, state);
    if ('hop' in translated) return translated;
    const marked = this.#restoreMark(translated, state);
    if (marked.mark !== first.mark || !sameAddress(marked.destination, first.destination)) {
      if (marked.mark !== first.mark) this.#say(routeSteps(decision));
      if (marked.mark !== first.mark)
        this.#note(
          'mark',
          `the connection came in by ${this.#place.firewall.replyMarks?.dev}: marked 0x${marked.mark.toString(16)}, and looked up again`,
        );
      decision = lookUp(view, this.#flowOf(marked));
    }
    return this.#go(marked, state, decision);
  }

  receive(packet: Packet): Visit {
    const inputDev = this.#inputDev ?? '';
    const state = this.#track(packet);
    this.#markConnection(state, inputDev);
    const translated = this.#balance(packet, state);
    if ('hop' in translated) return translated;
    const decision = lookUp(this.#place.view, this.#flowOf(translated));
    const refusal = this.#refusal(translated, decision, inputDev);
    if (refusal !== undefined) return this.#drop(translated, refusal);
    if (decision.outcome === 'found' && decision.route.type === 'local')
      return this.#deliver(translated, state);
    return this.#forward(translated, state, decision, inputDev);
  }

  #forward(packet: Packet, state: ConnectionState, decision: Decision, inputDev: string): Visit {
    const { family } = packet.destination;
    if (!forwards(this.#place.view, family, inputDev)) {
      return this.#drop(
        packet,
        `${formatAddress(packet.destination)} is not its own, and it does not forward (ipv${family} forwarding is 0)`,
      );
    }
    if (state.state === 'invalid' && this.#isHalfOpen(packet, inputDev)) {
      this.#note(
        'connection',
        'not tracked any more: our table lets half-seen connections into the overlay pass',
      );
      return this.#go(packet, { state: 'untracked' }, decision);
    }
    if (state.state === 'invalid' && this.#place.firewall.dropsInvalid === true) {
      return this.#drop(packet, `kube-proxy drops what conntrack calls INVALID: ${state.why}`);
    }
    return this.#go(packet, state, decision);
  }

  /** Out of the namespace, or back to itself. */
  #go(packet: Packet, state: ConnectionState, decision: Decision): Visit {
    if (decision.outcome !== 'found') return this.#noRoute(packet, decision);
    if (decision.route.type === 'local') return this.#deliver(packet, state);
    const [hop = { weight: 1 }] = decision.hops;
    this.#say(routeSteps(decision, hop));
    const dev = hop.dev ?? '';
    const sent = this.#masquerade(translateSource(packet, state), state, hop);
    if (!sameAddress(sent.source, packet.source) && state.state !== 'new') {
      this.#note(
        'source NAT',
        `translated back: the sender is ${endpointText(sent.source, sent.sourcePort)} again`,
      );
    }
    return this.#hand(sent, dev, hop.gateway ?? packet.destination);
  }

  #hand(packet: Packet, dev: string, address: Address): Visit {
    const receiver = receiverOf(this.#journey.world, this.#place, dev, address);
    if ('missing' in receiver)
      return this.#drop(packet, `${formatAddress(address)} dev ${dev}: ${receiver.missing}`);
    const { entry, place, port } = receiver;
    this.#note(
      'neighbour',
      entry === undefined
        ? `out ${dev}: ${place.name} answers for ${formatAddress(address)}`
        : `out ${dev}: ${neighbourText(entry)}`,
    );
    return this.#end('sent', packet, { place, inputDev: port.link }, dev);
  }

  #deliver(packet: Packet, state: ConnectionState): Visit {
    const seen = state.state === 'reply' ? translateSource(packet, state) : packet;
    if (!sameAddress(seen.source, packet.source)) {
      this.#note(
        'source NAT',
        `translated back: the sender is ${endpointText(seen.source, seen.sourcePort)} again`,
      );
    }
    this.#note('delivered', `delivered: from ${formatAddress(seen.source)} to ${destinationText(seen)}`);
    return this.#end('delivered', seen);
  }

  #noRoute(packet: Packet, decision: Decision): Visit {
    this.#say(routeSteps(decision));
    const to = formatAddress(packet.destination);
    if (decision.outcome === 'refused')
      return this.#drop(packet, `the route to ${to} is ${decision.route.type}`);
    if (decision.outcome === 'found')
      return this.#drop(packet, `there is no IPv${packet.destination.family} address to send from`);
    return this.#drop(packet, `there is no route to ${to}`);
  }

  #drop(packet: Packet, reason: string): Visit {
    this.#note('dropped', reason);
    return this.#end('dropped', packet);
  }

  #end(outcome: Visit['outcome'], packet: Packet, next?: Visit['next'], outputDev?: string): Visit {
    const hop: Hop = {
      place: this.#place,
      steps: this.#steps,
      ...(this.#inputDev !== undefined && { inputDev: this.#inputDev }),
      ...(outputDev !== undefined && { outputDev }),
    };
    // A mark is of the namespace.
    return { hop, outcome, packet: { ...packet, mark: 0 }, ...(next !== undefined && { next }) };
  }

  #chosenSource(destination: Address, decision: Decision): Address | undefined {
    if (decision.outcome !== 'found') return undefined;
    const source = sourceFor(
      this.#place.view,
      destination,
      decision.route,
      decision.hops[0] ?? { weight: 1 },
    );
    if (source !== undefined) this.#note('source', `sends from ${formatAddress(source)}`);
    return source;
  }

  #track(packet: Packet): ConnectionState {
    const state = track(this.#journey.connections, this.#place.name, packet);
    if (state.state === 'invalid') this.#note('connection', `conntrack: INVALID, ${state.why}`);
    return state;
  }

  /** What our table of the node lets pass: from a pod, into the overlay, from outside of it. */
  #isHalfOpen({ source, destination }: Packet, inputDev: string): boolean {
    const networks = this.#place.firewall.halfOpenTo ?? [];
    const kind = this.#place.view.links.find(({ name }) => name === inputDev)?.kind;
    const isInside = (address: Address) => networks.some((cidr) => cidrContains(cidr, address));
    return (kind === 'veth' || kind === 'netkit') && isInside(destination) && !isInside(source);
  }

  #markConnection(state: ConnectionState, inputDev: string): void {
    const marks = this.#place.firewall.replyMarks;
    if (state.state !== 'new' || marks?.dev !== inputDev) return;
    state.connection.marked = true;
    this.#note('mark', `conntrack mark 0x${marks.bit.toString(16)}: answers leave by ${inputDev} too`);
  }

  #restoreMark(packet: Packet, state: ConnectionState): Packet {
    const marks = this.#place.firewall.replyMarks;
    if (marks === undefined || packet.mark !== 0 || !('connection' in state) || !state.connection.marked)
      return packet;
    return { ...packet, mark: marks.mark };
  }

  /** kube-proxy's DNAT of a first packet, and conntrack's of all that follow. */
  #balance(packet: Packet, state: ConnectionState): Packet | Visit {
    const { services } = this.#place.firewall;
    if (state.state === 'new' && services !== undefined) {
      const found = balancing(services, this.#place.name, packet, (address) => this.#isOwn(address));
      if (found !== undefined) return this.#toEndpoint(packet, state, found);
    }
    const translated = translateDestination(packet, state);
    if (!sameAddress(translated.destination, packet.destination)) {
      this.#note('destination NAT', `conntrack: to ${destinationText(translated)}`);
    }
    return translated;
  }

  #toEndpoint(
    packet: Packet,
    state: Extract<ConnectionState, { state: 'new' | 'original' | 'reply' }>,
    found: Balancing,
  ): Packet | Visit {
    const { front, by, endpoints, masquerades } = found;
    const name = `Service ${front.namespace}/${front.name}`;
    const endpoint = this.#journey.choose(endpoints);
    if (endpoint === undefined) {
      const where =
        front.endpoints.length === 0
          ? 'has no ready endpoint'
          : 'has none on this node, and its policy is Local';
      return this.#drop(packet, `${name} ${where}`);
    }
    const { address, port } = endpoint;
    const chance = endpoints.length === 1 ? 'its endpoint' : `by chance one of ${endpoints.length}`;
    this.#note('destination NAT', `${by} of ${name}: to ${endpointText(address, port)}, ${chance}`);
    const { connection } = state;
    connection.translated = { ...connection.translated, destination: address, destinationPort: port };
    this.#masquerades = masquerades || sameAddress(address, packet.source);
    return { ...packet, destination: address, destinationPort: port };
  }

  /** kube-proxy's mark 0x4000. */
  #masquerades = false;

  #masquerade(packet: Packet, state: ConnectionState, hop: NextHop): Packet {
    if (state.state !== 'new') return packet;
    const natOutgoing = (this.#place.firewall.masquerades ?? []).some(
      ({ from, except }) =>
        cidrContains(from, packet.source) &&
        (except === undefined || !cidrContains(except, packet.destination)),
    );
    if (!natOutgoing && !this.#masquerades) return packet;
    const route = {
      destination: { address: packet.destination, prefixLength: 0 },
      table: 0,
      type: 'unicast',
      scope: 'global',
      protocol: 0,
    } as const;
    const source = sourceFor(this.#place.view, packet.destination, route, hop);
    if (source === undefined || sameAddress(source, packet.source)) return packet;
    state.connection.translated = { ...state.connection.translated, source };
    const by = this.#masquerades ? 'kube-proxy masquerades' : 'the overlay masquerades what leaves it';
    this.#note('source NAT', `${by}: from ${formatAddress(source)}`);
    return { ...packet, source };
  }

  /** Why the kernel would not take it in (IPv4's martians and rp_filter). */
  #refusal(packet: Packet, decision: Decision, dev: string): string | undefined {
    const isLocal = decision.outcome === 'found' && decision.route.type === 'local';
    const outputDev = decision.outcome === 'found' && !isLocal ? decision.hops[0]?.dev : undefined;
    return sourceRefusal(this.#place.view, {
      ...{ source: packet.source, destination: packet.destination, dev, mark: packet.mark },
      ...(outputDev !== undefined && { outputDev }),
    });
  }

  #flowOf({ destination, source, mark }: Packet): Flow {
    const base = { destination, source, mark };
    return this.#inputDev === undefined ? base : { ...base, inputDev: this.#inputDev };
  }

  #isOwn(address: Address): boolean {
    return this.#place.view.addresses.some((each) => sameAddress(each.address.address, address));
  }

  #note(kind: Step['kind'], text: string): void {
    this.#steps.push(step(kind, text));
  }

  #say(steps: readonly Step[]): void {
    this.#steps.push(...steps);
  }
}

/** Without the client's port, which is any. */
function destinationText({ kind, destination, destinationPort }: Packet): string {
  return kind === 'answer' ? formatAddress(destination) : endpointText(destination, destinationPort);
}
