// Connected UDP sockets of a namespace by sock_diag(7), and their end (inet_diag.h, sock_diag.h).

import { ByteReader } from '#base';
import { type Address, addressFromBytes, type Family } from '#ip';
import { MessageBody } from './attributes.ts';
import { type Message, NLM_F_ACK, type Request } from './message.ts';

export const NETLINK_SOCK_DIAG = 4;

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const addressFamilies: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };
const IPPROTO_UDP = 17;
/** UDP sockets have it while they are connected (tcp_states.h). */
const TCP_ESTABLISHED = 1;
/** struct inet_diag_sockid: ports, addresses of 16 bytes, interface, cookie. */
const ID_BYTES = 48;

/** A connected UDP socket. */
export interface ConnectedSocket {
  readonly family: Family;
  readonly peer: { readonly address: Address; readonly port: number };
  /** The kernel's number of the socket. No two sockets of the machine ever have the same. */
  readonly cookie: bigint;
  /** The socket as {@link destroySocket} names it. */
  readonly id: Uint8Array;
}

/** struct inet_diag_req_v2. */
function request(type: number, flags: number, family: Family, id: Uint8Array): Request {
  const body = new MessageBody();
  body.writer.u8(addressFamilies[family]).u8(IPPROTO_UDP).u8(0).u8(0);
  body.writer.u32(1 << TCP_ESTABLISHED).put(id);
  return { type, flags, body: body.writer.done() };
}

/** A dump of the connected UDP sockets of one family. */
export function getConnectedUdp(family: Family): Request {
  return request(SOCK_DIAG_BY_FAMILY, 0, family, new Uint8Array(ID_BYTES));
}

/** struct inet_diag_msg: family, state, timer, retransmissions; then the id in network byte order. */
export function decodeConnectedUdp({ body }: Message): ConnectedSocket {
  const family = body[0] === addressFamilies[6] ? 6 : 4;
  // The buffer is used again.
  const id = Uint8Array.from(body.subarray(4, 4 + ID_BYTES));
  const address = addressFromBytes(id.subarray(20, family === 4 ? 24 : 36));
  const port = new ByteReader(id.subarray(2, 4), 'big').u16();
  const cookie = Buffer.from(id).readBigUInt64LE(40);
  return { family, peer: { address, port }, cookie, id };
}

/** Its calls end with ECONNABORTED. ENOENT: it is gone, or connected elsewhere. EOPNOTSUPP: the kernel cannot do it. */
export function destroySocket({ family, id }: ConnectedSocket): Request {
  return request(SOCK_DESTROY, NLM_F_ACK, family, id);
}
