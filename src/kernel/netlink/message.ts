// Netlink messages: the header, batches of requests, acknowledgements with the kernel's words (netlink.h).

import { ByteReader, ByteWriter } from '#base';
import { Attributes } from './attributes.ts';

export const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
export const NLM_F_ECHO = 0x008;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
/** In a reply: the dump was interrupted by a change and may be incomplete. */
export const NLM_F_DUMP_INTR = 0x010;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const HEADER_LENGTH = 16;

/** A request without a sequence number. Its body is the family header and the attributes. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A received message: header fields, and the body, which shares the receive buffer. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** An acknowledgement. errno 0 means success. */
export interface Acknowledgement {
  readonly errno: number;
  readonly extAck: string | undefined;
}

/** Length of the request on the wire. */
export function wireLength(request: Request): number {
  return (HEADER_LENGTH + request.body.length + 3) & ~3;
}

/** Several requests as one datagram. The first one has `sequence`, and each following one the next number. */
export function encodeRequests(requests: readonly Request[], sequence: number): Uint8Array {
  const writer = new ByteWriter('little');
  requests.forEach(({ type, flags, body }, i) => {
    writer
      .u32(HEADER_LENGTH + body.length)
      .u16(type)
      .u16(flags | NLM_F_REQUEST);
    writer
      .u32(sequence + i)
      .u32(0)
      .put(body)
      .align(4);
  });
  return writer.done();
}

/** The messages of a datagram, in order. */
export function* decodeMessages(datagram: Uint8Array): Generator<Message> {
  const reader = new ByteReader(datagram, 'little');
  while (reader.remaining >= HEADER_LENGTH) {
    const start = reader.offset;
    const length = reader.u32();
    const type = reader.u16();
    const flags = reader.u16();
    const sequence = reader.u32();
    if (length < HEADER_LENGTH || start + length > datagram.length) {
      throw new RangeError(`netlink message of ${length} bytes in a datagram of ${datagram.length}`);
    }
    yield { type, flags, sequence, body: datagram.subarray(start + HEADER_LENGTH, start + length) };
    reader.offset = start + ((length + 3) & ~3);
  }
}

/** Reads the body of NLMSG_ERROR, or of the NLMSG_DONE that ends a dump (which also carries an errno). */
export function decodeAcknowledgement({ type, flags, body }: Message): Acknowledgement {
  if (body.length < 4) return { errno: 0, extAck: undefined };
  const reader = new ByteReader(body, 'little');
  const errno = -reader.i32();
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno, extAck: undefined };
  if (type === NLMSG_ERROR) skipEcho(reader, flags);
  return { errno, extAck: extAckText(new Attributes(reader.take(reader.remaining))) };
}

/** The kernel repeats the request's header. Without NETLINK_CAP_ACK, it repeats the complete request. */
function skipEcho(reader: ByteReader, flags: number): void {
  const length = reader.u32();
  const whole = (flags & NLM_F_CAPPED) === 0;
  reader.skip((whole ? (length + 3) & ~3 : HEADER_LENGTH) - 4);
}

function extAckText(attributes: Attributes): string | undefined {
  const NLMSGERR_ATTR_MSG = 1;
  const NLMSGERR_ATTR_MISS_TYPE = 5;
  const missing = attributes.u32(NLMSGERR_ATTR_MISS_TYPE);
  return (
    attributes.text(NLMSGERR_ATTR_MSG) ??
    (missing === undefined ? undefined : `attribute ${missing} is missing`)
  );
}
