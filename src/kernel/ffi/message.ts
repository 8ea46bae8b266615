// recvmsg(2) for netlink sockets that listen in several namespaces: receives a datagram and the namespace of its
// sender.

import koffi from 'koffi';
import { refusal } from '#net';
import { describeErrno } from './libc.ts';

const recvmsg: (fd: number, header: Uint8Array, flags: number) => number = koffi
  .load(null)
  .func('int64_t recvmsg(int fd, uint8_t *header, int flags)');

/** A received datagram. Its length is the full length, which may exceed the buffer's. */
export interface ReceivedMessage {
  readonly length: number;
  /** The id of the sender's namespace in the socket's namespace. Undefined if both are the same. */
  readonly namespaceId: number | undefined;
}

const MSG_TRUNC = 0x20;
const SOL_NETLINK = 270;
const NETLINK_LISTEN_ALL_NSID = 8;
/** struct cmsghdr of 16 bytes and an int, padded (socket.h, CMSG_SPACE). */
const CONTROL_BYTES = 24;

/** Receives into one buffer. The header with the buffer's addresses is written once. */
export class MessageReceiver {
  readonly buffer: Buffer;
  // Kept here as long as the header points to them.
  readonly #vector = Buffer.allocUnsafeSlow(16);
  readonly #control = Buffer.allocUnsafeSlow(CONTROL_BYTES);
  readonly #header = Buffer.alloc(56);

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#vector.writeBigUInt64LE(koffi.address(this.buffer), 0);
    this.#vector.writeBigUInt64LE(BigInt(bytes), 8);
    // struct msghdr of a 64-bit machine: name, namelen, iov, iovlen, control, controllen, flags.
    this.#header.writeBigUInt64LE(koffi.address(this.#vector), 16);
    this.#header.writeBigUInt64LE(1n, 24);
    this.#header.writeBigUInt64LE(koffi.address(this.#control), 32);
  }

  /** The next datagram; undefined if none waits. */
  receive(fd: number, subject: string): ReceivedMessage | undefined {
    this.#header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
    const length = recvmsg(fd, this.#header, MSG_TRUNC);
    if (length >= 0) return { length, namespaceId: this.#namespaceId() };
    const errno = koffi.errno();
    if (errno === koffi.os.errno.EAGAIN) return undefined;
    throw refusal({ doing: `receive from ${subject}`, subject, ...describeErrno(errno) });
  }

  /** The kernel names the sender's namespace only if it is another one (af_netlink.c, netlink_cmsg_listen_all_nsid). */
  #namespaceId(): number | undefined {
    const isThere = this.#header.readBigUInt64LE(40) >= 20n;
    const isId =
      isThere &&
      this.#control.readInt32LE(8) === SOL_NETLINK &&
      this.#control.readInt32LE(12) === NETLINK_LISTEN_ALL_NSID;
    return isId ? this.#control.readInt32LE(16) : undefined;
  }
}
