// What a namespace's conntrack does with the packets of one connection: its state, its translations, its mark.

import { type Address, sameAddress } from '#ip';
import type { Packet } from './world.ts';

interface Tuple {
  readonly source: Address;
  readonly destination: Address;
  readonly destinationPort: number;
}

/** An entry: the first packet as it came in, and as it went out. */
export interface Connection {
  readonly first: Tuple;
  translated: Tuple;
  /** The connection came in by the link that its replies must leave by. */
  marked: boolean;
  answered: boolean;
}

export type ConnectionState =
  | { readonly state: 'new' | 'original' | 'reply'; readonly connection: Connection }
  | { readonly state: 'invalid'; readonly why: string }
  | { readonly state: 'untracked' };

/** The connections of each place, by the place's name. */
export type ConnectionTables = Map<string, Connection[]>;

/** Finds or creates the packet's entry (nf_conntrack_in). */
export function track(tables: ConnectionTables, place: string, packet: Packet): ConnectionState {
  const known = tables.get(place) ?? [];
  const reply = known.find((each) => isReply(each, packet));
  if (reply !== undefined) {
    reply.answered = true;
    return { state: 'reply', connection: reply };
  }
  const original = known.find((each) => isOriginal(each, packet));
  if (original !== undefined) return originalState(original, packet);
  const why = strayReason(packet);
  if (why !== undefined) return { state: 'invalid', why };
  const { source, destination, destinationPort } = packet;
  const tuple = { source, destination, destinationPort };
  const connection = { first: tuple, translated: tuple, marked: false, answered: false };
  tables.set(place, [...known, connection]);
  return { state: 'new', connection };
}

/** An ACK while only a SYN was seen is INVALID (tcp_conntracks: sSS, ack, original). */
function originalState(connection: Connection, { protocol, kind }: Packet): ConnectionState {
  if (protocol === 'tcp' && kind === 'next' && !connection.answered) {
    return { state: 'invalid', why: 'it has seen the SYN but no SYN-ACK, which took another way' };
  }
  return { state: 'original', connection };
}

/** A reply begins no connection. The exception is UDP, where conntrack cannot tell a reply from a request. */
function strayReason({ protocol, kind }: Packet): string | undefined {
  if (kind !== 'answer' || protocol === 'udp') return undefined;
  const question = protocol === 'tcp' ? 'SYN' : 'echo request';
  return `it has not seen the ${question}, which took another way`;
}

function isOriginal({ first }: Connection, packet: Packet): boolean {
  return (
    sameAddress(first.source, packet.source) &&
    sameAddress(first.destination, packet.destination) &&
    first.destinationPort === packet.destinationPort
  );
}

function isReply({ translated }: Connection, packet: Packet): boolean {
  return (
    sameAddress(translated.destination, packet.source) &&
    sameAddress(translated.source, packet.destination) &&
    translated.destinationPort === packet.sourcePort
  );
}

/** Translates the destination, before routing. */
export function translateDestination(packet: Packet, state: ConnectionState): Packet {
  if (state.state === 'reply') return { ...packet, destination: state.connection.first.source };
  if (state.state !== 'new' && state.state !== 'original') return packet;
  const { destination, destinationPort } = state.connection.translated;
  return { ...packet, destination, destinationPort };
}

/** Translates the source, after routing. */
export function translateSource(packet: Packet, state: ConnectionState): Packet {
  if (state.state === 'reply') {
    const { destination, destinationPort } = state.connection.first;
    return { ...packet, source: destination, sourcePort: destinationPort };
  }
  if (state.state !== 'new' && state.state !== 'original') return packet;
  return { ...packet, source: state.connection.translated.source };
}
