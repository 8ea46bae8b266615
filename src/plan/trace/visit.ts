// A packet in one namespace: netfilter's hooks and routing in order, until it is delivered, dropped or sent on.

import { type Address, formatAddress, sameAddress } from '#ip';
import { neighbourText } from '../network/index.ts';
import type { ConnectionState } from './connection.ts';
import { destinationText, type Hop, routeSteps, type Step, step } from './hop.ts';
import { type Decision, type Flow, lookUp } from './lookup.ts';
import { receiverOf } from './neighbour.ts';
import { Netfilter, type NetfilterParts } from './netfilter.ts';
import { sourceRefusal, strictRefusal } from './reverse-path.ts';
import { sourceFor } from './source-address.ts';
import { forwards } from './view.ts';
import { ipProtocolOf, type Packet, type Place, type World } from './world.ts';

export interface Visit {
  readonly hop: Hop;
  /** The packet at the time when it was sent on, delivered or dropped. */
  readonly packet: Packet;
  readonly outcome: 'sent' | 'delivered' | 'dropped';
  readonly next?: { readonly place: Place; readonly inputDev: string };
}

/** What stays the same on the whole path. */
export interface Journey extends Pick<NetfilterParts, 'connections' | 'choose'> {
  readonly world: World;
}

/** `source` is the address that the sender is bound to. If undefined, the kernel chooses. */
export type OwnPacket = Omit<Packet, 'source'> & { readonly source?: Address };

/** A packet that the namespace itself sends. */
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
  readonly #netfilter: Netfilter;

  constructor(journey: Journey, place: Place, inputDev?: string) {
    this.#journey = journey;
    this.#place = place;
    const { connections, choose } = journey;
    this.#netfilter = new Netfilter({
      place,
      connections,
      choose,
      note: (kind, text) => this.#note(kind, text),
    });
    this.#inputDev = inputDev;
  }

  send(own: OwnPacket): Visit {
    const { view } = this.#place;
    const { destination, mark, sourcePort } = own;
    const ipProtocol = ipProtocolOf(own.protocol, destination.family);
    // A socket that is bound to an address already has its port.
    const bound = own.source === undefined ? {} : { source: own.source, sourcePort };
    let decision = lookUp(view, { destination, mark, ipProtocol, ...bound });
    const source = own.source ?? this.#chosenSource(destination, decision);
    if (source === undefined) return this.#noRoute({ ...own, source: destination }, decision);
    // connect(2) looks up the route again with the source that it found. IPv6 keeps its first route (ip_route_connect,
    // ip6_dst_lookup_tail).
    if (own.source === undefined && destination.family === 4)
      decision = lookUp(view, { destination, source, mark, ipProtocol });
    const first: Packet = { ...own, source };
    // Without a route nothing is sent, whatever netfilter would do (ip_route_output_flow comes before the output hook).
    if (decision.outcome !== 'found') return this.#noRoute(first, decision);
    const state = this.#netfilter.track(first);
    const translated = this.#netfilter.balance(first, state);
    if (typeof translated === 'string') return this.#drop(first, translated);
    const marked = this.#netfilter.restoreMark(translated, state);
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
    const strict = this.#place.firewall.strictIpv6 === true;
    const stranger = strict ? strictRefusal(this.#place.view, { ...packet, dev: inputDev }) : undefined;
    if (stranger !== undefined) return this.#drop(packet, stranger);
    const state = this.#netfilter.track(packet);
    this.#netfilter.markConnection(packet, state, inputDev);
    const translated = this.#netfilter.balance(packet, state);
    if (typeof translated === 'string') return this.#drop(packet, translated);
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
        `it does not have the address ${formatAddress(packet.destination)}, and it does not forward (ipv${family} forwarding is 0)`,
      );
    }
    const passed = this.#netfilter.forward(packet, state, inputDev);
    return typeof passed === 'string' ? this.#drop(packet, passed) : this.#go(packet, passed, decision);
  }

  /** The packet leaves the namespace, or goes back to the namespace itself. */
  #go(packet: Packet, state: ConnectionState, decision: Decision): Visit {
    if (decision.outcome !== 'found') return this.#noRoute(packet, decision);
    if (decision.route.type === 'local') return this.#deliver(packet, state);
    const [hop = { weight: 1 }] = decision.hops;
    this.#say(routeSteps(decision, hop));
    const dev = hop.dev ?? '';
    const sent = this.#netfilter.leave(packet, state, hop);
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
    const seen = this.#netfilter.deliver(packet, state);
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
    // A mark is valid only in its namespace.
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

  /** Why the kernel does not accept the packet (IPv4's martians and rp_filter). */
  #refusal(packet: Packet, decision: Decision, dev: string): string | undefined {
    const isLocal = decision.outcome === 'found' && decision.route.type === 'local';
    const outputDev = decision.outcome === 'found' && !isLocal ? decision.hops[0]?.dev : undefined;
    return sourceRefusal(this.#place.view, {
      ...{ source: packet.source, destination: packet.destination, dev, mark: packet.mark },
      ipProtocol: ipProtocolOf(packet.protocol, packet.destination.family),
      destinationPort: packet.destinationPort,
      ...(outputDev !== undefined && { outputDev }),
    });
  }

  #flowOf({ protocol, destination, source, sourcePort, mark }: Packet): Flow {
    const ipProtocol = ipProtocolOf(protocol, destination.family);
    const base = { destination, source, mark, ipProtocol, sourcePort };
    return this.#inputDev === undefined ? base : { ...base, inputDev: this.#inputDev };
  }

  #note(kind: Step['kind'], text: string): void {
    this.#steps.push(step(kind, text));
  }

  #say(steps: readonly Step[]): void {
    this.#steps.push(...steps);
  }
}
