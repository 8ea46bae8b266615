// Neighbour entries in rtnetlink: `struct ndmsg` and NDA_* attributes (neighbour.h).

import { ByteReader } from '#base';
import type { Family } from '#ip';
import type { Neighbour } from '#net';
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

function neighbourHeader(family: Family | undefined, index: number, state: number): MessageBody {
  const body = new MessageBody();
  body.writer.u8(familyNumber(family)).align(4).u32(index).u16(state).u8(0).u8(0);
  return body;
}

/** A dump of one family, or of all families. The kernel can limit it to an interface. */
export function getNeighbours(family: Family | undefined, index?: number): Request {
  const body = neighbourHeader(family, 0, 0);
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

/** Undefined for proxy entries and for families other than IP (a bridge's forwarding entries). */
export function decodeNeighbour({ body }: Message, nameOf: NameOf): Neighbour | undefined {
  const header = new ByteReader(body, 'little');
  if (familyOf(header.u8()) === undefined) return undefined;
  header.skip(3);
  const index = header.u32();
  const state = header.u16();
  const flags = header.u8();
  header.skip(1);
  const attributes = new Attributes(header.take(header.remaining));
  const address = attributes.address(NDA_DST);
  if (address === undefined || (flags & NTF_PROXY) !== 0) return undefined;
  const mac = attributes.mac(NDA_LLADDR);
  const protocol = attributes.u8(NDA_PROTOCOL);
  return {
    dev: nameOf(index),
    address,
    state: stateNames.get(state) ?? 'none',
    ...(mac !== undefined && { mac }),
    ...(protocol && { protocol }),
  };
}
