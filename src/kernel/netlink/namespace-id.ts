// The ids by which one namespace knows others: rtnetlink's `struct rtgenmsg` with NETNSA_* attributes
// (net_namespace.h).

import { ByteReader } from '#base';
import { Attributes, MessageBody } from './attributes.ts';
import type { Message, Request } from './message.ts';

const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
/** NETNSA_NSID_NOT_ASSIGNED: no id. In a request, the kernel chooses a free one. */
const NOT_ASSIGNED = 0xffff_ffff;

/** Asks for the id that the namespace of an open descriptor has here. */
export function getNamespaceId(fd: number): Request {
  const body = header().u32(NETNSA_FD, fd);
  return { type: RTM_GETNSID, flags: 0, body: body.writer.done() };
}

/** Assigns an id here to the namespace of an open descriptor. */
export function assignNamespaceId(fd: number): Request {
  const body = header().u32(NETNSA_NSID, NOT_ASSIGNED).u32(NETNSA_FD, fd);
  return { type: RTM_NEWNSID, flags: 0, body: body.writer.done() };
}

/** Undefined if the namespace has no id. */
export function decodeNamespaceId({ body }: Message): number | undefined {
  const reader = new ByteReader(body, 'little');
  reader.skip(4);
  const id = new Attributes(reader.take(reader.remaining)).u32(NETNSA_NSID);
  return id === NOT_ASSIGNED ? undefined : id;
}

function header(): MessageBody {
  const body = new MessageBody();
  body.writer.u32(0);
  return body;
}
