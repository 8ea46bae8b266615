// The path of a connection: its first packet, the reply, and for TCP the packet after the reply.

import { type Address, formatAddress, sameAddress } from '#ip';
import type { Connection } from './connection.ts';
import { endpointText, type Hop } from './hop.ts';
import { nobodyListens } from './listening.ts';
import type { ServiceEndpoint } from './service-front.ts';
import { type Journey, type OwnPacket, receive, send, type Visit } from './visit.ts';
import { type Packet, type Place, type Protocol, placeOf, type World } from './world.ts';

export interface TraceRequest {
  /** The name of the place that sends the request. */
  readonly from: string;
  readonly destination: Address;
  readonly protocol: Protocol;
  /** 0 for ICMP. */
  readonly port: number;
  /** The address that the sender is bound to. */
  readonly source?: Address;
  /** If a Service has several endpoints, the first of these is used. Otherwise its first endpoint is used. */
  readonly endpoints?: readonly Address[];
}

/** One direction. */
export interface Walk {
  readonly hops: readonly Hop[];
  readonly outcome: 'delivered' | 'dropped';
  readonly end: Place;
  readonly packet: Packet;
  /** Why it was dropped. */
  readonly reason?: string;
}

export interface Trace {
  readonly request: Walk;
  /** Absent if the request does not arrive. */
  readonly reply?: Walk;
  /** TCP's third packet, if its outcome differs from the first. */
  readonly next?: Walk;
  readonly works: boolean;
  /** What drops it and where. Undefined if the connection works. */
  readonly failure?: string;
  /** The packet arrives and its reply would come back, but no socket listens. This is the only fault. */
  readonly nobodyListens?: true;
  /** The address that the server sees, if the request arrives. */
  readonly seenSource?: Address;
}

const CLIENT_PORT = 40_000;
/** A longer path is a loop. */
const MAXIMUM_HOPS = 16;

export function trace(world: World, asked: TraceRequest): Trace {
  const { from, destination, protocol, port } = asked;
  const start = placeOf(world, from);
  if (start === undefined) throw new RangeError(`the world has no place ${from}`);
  const journey: Journey = {
    world,
    connections: new Map<string, Connection[]>(),
    choose: (endpoints) => chosen(endpoints, asked.endpoints ?? []),
  };
  const icmp = protocol === 'icmp';
  const first: OwnPacket = {
    ...{ protocol, destination, mark: 0, kind: 'first' },
    sourcePort: icmp ? 0 : CLIENT_PORT,
    destinationPort: icmp ? 0 : port,
    ...(asked.source !== undefined && { source: asked.source }),
  };
  const request = walk(journey, start, first);
  if (request.outcome === 'dropped') return { request, works: false, failure: failureText(request) };
  const seenSource = request.packet.source;
  const reply = walk(journey, request.end, answerTo(request.packet));
  const lost = reply.outcome === 'dropped' ? failureText(reply) : strangerText(journey, start, reply, asked);
  if (lost !== undefined)
    return { request, reply, seenSource, works: false, failure: `the answer is lost: ${lost}` };
  const closed = nobodyListens(request.end, request.packet);
  if (closed !== undefined)
    return { request, reply, seenSource, works: false, failure: closed, nobodyListens: true };
  if (protocol !== 'tcp') return { request, reply, seenSource, works: true };
  const next = walk(journey, start, { ...first, kind: 'next', source: reply.packet.destination });
  if (next.outcome === 'delivered') return { request, reply, seenSource, works: true };
  const failure = `the connection hangs after its SYN-ACK: ${failureText(next)}`;
  return { request, reply, next, seenSource, works: false, failure };
}

function chosen(endpoints: readonly ServiceEndpoint[], wanted: readonly Address[]) {
  const isWanted = ({ address }: ServiceEndpoint) => wanted.some((each) => sameAddress(each, address));
  return endpoints.find(isWanted) ?? endpoints[0];
}

function walk(journey: Journey, start: Place, packet: OwnPacket): Walk {
  const hops: Hop[] = [];
  let visit: Visit = send(journey, start, packet);
  for (;;) {
    hops.push(visit.hop);
    const { outcome, next, hop } = visit;
    if (outcome !== 'sent' || next === undefined) {
      const reason = outcome === 'dropped' ? hop.steps.at(-1)?.text : undefined;
      const end = { hops, end: hop.place, packet: visit.packet };
      return outcome === 'delivered'
        ? { ...end, outcome }
        : { ...end, outcome: 'dropped', ...(reason !== undefined && { reason }) };
    }
    if (hops.length === MAXIMUM_HOPS) {
      return { hops, end: hop.place, packet: visit.packet, outcome: 'dropped', reason: 'the packet loops' };
    }
    visit = receive(journey, next.place, visit.packet, next.inputDev);
  }
}

function answerTo({ protocol, source, destination, sourcePort, destinationPort }: Packet): OwnPacket {
  return {
    ...{ protocol, mark: 0, kind: 'answer' },
    ...{ source: destination, destination: source },
    ...{ sourcePort: destinationPort, destinationPort: sourcePort },
  };
}

/** A reply from another address than the requested one is no reply. A translation was not undone on the way. */
function strangerText(
  { connections }: Journey,
  start: Place,
  reply: Walk,
  { destination, port }: TraceRequest,
) {
  if (reply.end !== start) return `it ends in ${reply.end.name}, which did not send the request`;
  const [asked] = connections.get(start.name) ?? [];
  const { source } = reply.packet;
  if (asked === undefined || sameAddress(source, destination)) return undefined;
  return `${start.name} sent to ${endpointText(destination, port)}, but the answer comes from ${formatAddress(source)}`;
}

function failureText({ end, reason }: Walk): string {
  return `${end.name}: ${reason ?? 'dropped'}`;
}
