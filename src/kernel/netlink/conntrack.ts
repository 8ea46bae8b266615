// UDP flows that the kernel follows, by ctnetlink (nfnetlink_conntrack.h): their dump and their end.

import { ByteReader } from '#base';
import { addressFromBytes, type Family } from '#ip';
import type { Flow } from '#plan/service-rules';
import { Attributes, MessageBody } from './attributes.ts';
import { type Message, NLM_F_ACK, type Request } from './message.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
/** nf_internals.h. */
const CTA_FILTER_F_CTA_PROTO_NUM = 1 << 3;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const IPPROTO_UDP = 17;
const addressFamilies: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };

/** A flow, with what names it to the kernel. */
export interface FollowedFlow extends Flow {
  readonly family: Family;
  readonly tuple: Uint8Array;
  readonly zone: Uint8Array | undefined;
  /** A number of the kernel: a later flow with the same addresses has another one. */
  readonly id: Uint8Array | undefined;
}

/** `struct nfgenmsg` with version 0 and no resource. */
function body(family: Family): MessageBody {
  const made = new MessageBody();
  made.writer.u8(addressFamilies[family]).u8(0).u16(0);
  return made;
}

const typeOf = (message: number) => (NFNL_SUBSYS_CTNETLINK << 8) | message;

/** A dump of the UDP flows of a family. Linux before 5.8 ignores the filter: {@link decodeUdpFlow} leaves out others. */
export function getUdpFlows(family: Family): Request {
  const made = body(family);
  made.nested(CTA_FILTER, () => {
    made.u32(CTA_FILTER_ORIG_FLAGS, CTA_FILTER_F_CTA_PROTO_NUM).u32(CTA_FILTER_REPLY_FLAGS, 0);
  });
  made.nested(CTA_TUPLE_ORIG, () => {
    made.nested(CTA_TUPLE_PROTO, () => made.u8(CTA_PROTO_NUM, IPPROTO_UDP));
  });
  return { type: typeOf(IPCTNL_MSG_CT_GET), flags: 0, body: made.writer.done() };
}

export function decodeUdpFlow({ type, body: bytes }: Message): FollowedFlow | undefined {
  if (type !== typeOf(IPCTNL_MSG_CT_NEW)) return undefined;
  const family = bytes[0] === addressFamilies[6] ? 6 : 4;
  const attributes = new Attributes(bytes.subarray(4));
  const tuple = attributes.bytes(CTA_TUPLE_ORIG);
  const original = tuple === undefined ? undefined : places(tuple, family);
  const answer = places(attributes.bytes(CTA_TUPLE_REPLY) ?? new Uint8Array(), family);
  if (tuple === undefined || original === undefined || answer === undefined) return undefined;
  // The buffer is used again.
  const kept = (value: Uint8Array | undefined) => (value === undefined ? undefined : Uint8Array.from(value));
  return {
    family,
    to: { ...original.to, protocol: 'UDP' },
    from: answer.from,
    tuple: Uint8Array.from(tuple),
    zone: kept(attributes.bytes(CTA_ZONE)),
    id: kept(attributes.bytes(CTA_ID)),
  };
}

/** Undefined for another protocol. */
function places(tuple: Uint8Array, family: Family) {
  const parts = new Attributes(tuple);
  const addresses = new Attributes(parts.bytes(CTA_TUPLE_IP) ?? new Uint8Array());
  const protocol = new Attributes(parts.bytes(CTA_TUPLE_PROTO) ?? new Uint8Array());
  const from = addresses.bytes(family === 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC);
  const to = addresses.bytes(family === 4 ? CTA_IP_V4_DST : CTA_IP_V6_DST);
  const ports = [CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT].map((type) => protocol.bytes(type));
  const [fromPort, toPort] = ports.map((bytes) =>
    bytes === undefined ? undefined : new ByteReader(bytes, 'big').u16(),
  );
  if (protocol.u8(CTA_PROTO_NUM) !== IPPROTO_UDP || from === undefined || to === undefined) return undefined;
  if (fromPort === undefined || toPort === undefined) return undefined;
  return {
    from: { address: addressFromBytes(from), port: fromPort },
    to: { address: addressFromBytes(to), port: toPort },
  };
}

/** ENOENT: it is gone already. */
export function deleteFlow({ family, tuple, zone, id }: FollowedFlow): Request {
  const made = body(family);
  made.nested(CTA_TUPLE_ORIG, () => made.writer.put(tuple));
  if (zone !== undefined) made.bytes(CTA_ZONE, zone);
  if (id !== undefined) made.bytes(CTA_ID, id);
  return { type: typeOf(IPCTNL_MSG_CT_DELETE), flags: NLM_F_ACK, body: made.writer.done() };
}
