// Neighbour entries in rtnetlink: `struct ndmsg` and NDA_* attributes (neighbour.h).

import { ByteReader } from '#base';
import type { Family } from '#ip';
import type { Neighbour, ProxyNeighbour } from '#net';
import { type NameOf, verbFlags } from './address.ts';
import { Attributes, MessageBody } from './attributes.ts';
import { familyNumber, familyOf } from './family.ts';
import type { IndexOf } from './link-header.ts';
import type { Message, Request } from './message.ts';

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;
const NDA_PROTOCOL = 12;
const NTF_PROXY = 8;

const stateNumbers: Readonly<Record<Neighbour['state'], number>> = {
  none: 0,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
};
const stateNames = new Map(
  Object.entries(stateNumbers).map(([name, number]) => [number, name as Neighbour['state']]),
);

function neighbourHeader(family: Family | undefined, index: number, state: number, flags = 0): MessageBody {
  const body = new MessageBody();
  body.writer.u8(familyNumber(family)).align(4).u32(index).u16(state).u8(flags).u8(0);
  return body;
}

/** A dump of one family, or of all families. The kernel can limit it to an interface. */
export function getNeighbours(family: Family | undefined, index?: number): Request {
  return dumpOf(neighbourHeader(family, 0, 0), index);
}

/** As {@link getNeighbours}. A dump has either neighbours or proxies. */
export function getProxies(family: Family | undefined, index?: number): Request {
  return dumpOf(neighbourHeader(family, 0, 0, NTF_PROXY), index);
}

function dumpOf(body: MessageBody, index: number | undefined): Request {
  if (index !== undefined) body.u32(NDA_IFINDEX, index);
  return { type: RTM_GETNEIGH, flags: 0, body: body.writer.done() };
}

export function changeNeighbour(
  verb: 'create' | 'replace' | 'delete',
  { dev, address, mac, state, protocol }: Neighbour,
  indexOf: IndexOf,
): Request {
  const body = neighbourHeader(address.family, indexOf(dev), stateNumbers[state]).address(NDA_DST, address);
  if (mac !== undefined) body.mac(NDA_LLADDR, mac);
  if (protocol !== undefined) body.u8(NDA_PROTOCOL, protocol);
  const type = verb === 'delete' ? RTM_DELNEIGH : RTM_NEWNEIGH;
  return { type, flags: verbFlags(verb), body: body.writer.done() };
}

export function changeProxy(
  verb: 'create' | 'delete',
  { dev, address, protocol }: ProxyNeighbour,
  indexOf: IndexOf,
): Request {
  const header = neighbourHeader(address.family, indexOf(dev), stateNumbers.permanent, NTF_PROXY);
  const body = header.address(NDA_DST, address);
  if (protocol !== undefined) body.u8(NDA_PROTOCOL, protocol);
  const type = verb === 'delete' ? RTM_DELNEIGH : RTM_NEWNEIGH;
  return { type, flags: verbFlags(verb), body: body.writer.done() };
}

/** Undefined for proxy entries and for families other than IP (a bridge's forwarding entries). */
export function decodeNeighbour(message: Message, nameOf: NameOf): Neighbour | undefined {
  const entry = decodeEntry(message, nameOf);
  if (entry === undefined || entry.isProxy) return undefined;
  const { dev, address, state, mac, protocol } = entry;
  return { dev, address, state, ...(mac !== undefined && { mac }), ...(protocol && { protocol }) };
}

/** Undefined for everything but proxy entries. */
export function decodeProxy(message: Message, nameOf: NameOf): ProxyNeighbour | undefined {
  const entry = decodeEntry(message, nameOf);
  if (entry === undefined || !entry.isProxy) return undefined;
  const { dev, address, protocol } = entry;
  return { dev, address, ...(protocol && { protocol }) };
}

function decodeEntry({ body }: Message, nameOf: NameOf) {
  const header = new ByteReader(body, 'little');
  if (familyOf(header.u8()) === undefined) return undefined;
  header.skip(3);
  const index = header.u32();
  const state = header.u16();
  const isProxy = (header.u8() & NTF_PROXY) !== 0;
  header.skip(1);
  const attributes = new Attributes(header.take(header.remaining));
  const address = attributes.address(NDA_DST);
  if (address === undefined) return undefined;
  return {
    dev: nameOf(index),
    address,
    isProxy,
    state: stateNames.get(state) ?? 'none',
    mac: attributes.mac(NDA_LLADDR),
    protocol: attributes.u8(NDA_PROTOCOL),
  };
}
