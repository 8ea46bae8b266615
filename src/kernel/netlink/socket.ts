// A netlink socket. It answers requests at once, reads dumps to their end, and reads every answer of a batch of
// changes.

import { OrbError } from '#base';
import { refusal } from '#net';
import {
  bindSocket,
  closeFd,
  closeFdElsewhere,
  connectSocket,
  describeErrno,
  openSocket,
  peekDatagramLength,
  receiveDatagram,
  sendDatagram,
  sendDatagramElsewhere,
  setSocketOption,
  watchReadable,
} from '../ffi/index.ts';
import {
  type Acknowledgement,
  decodeAcknowledgement,
  decodeMessages,
  encodeRequests,
  type Message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_ECHO,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Request,
  wireLength,
} from './message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const SO_RCVBUFFORCE = 33;

// A request must fit into the send buffer, and its answers into the receive buffer. The kernel drops what does not fit.
const BATCH_BYTES = 32 * 1024;
const BATCH_REQUESTS = 128;
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/** containernetworking/plugins retries an interrupted dump 5 times. Nodes on which pods come and go need more tries. */
const DUMP_ATTEMPTS = 20;

/** struct sockaddr_nl of the kernel. With `groups`, of a listener to these multicast groups. */
export function netlinkAddress(groups = 0): Uint8Array {
  const address = new DataView(new ArrayBuffer(12));
  address.setUint16(0, AF_NETLINK, true);
  address.setUint32(8, groups, true);
  return new Uint8Array(address.buffer);
}

/** Opens a netlink descriptor in the namespace of the calling thread. */
export function openNetlink(protocol: number, subject: string): number {
  const fd = openSocket(AF_NETLINK, SOCK_RAW, protocol, subject);
  try {
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]) {
      setSocketOption(fd, SOL_NETLINK, option, 1);
    }
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
    bindSocket(fd, netlinkAddress(), subject);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

const NETLINK_ROUTE = 0;

/**
 * An open netlink socket, for rtnetlink or another protocol. It always works on the namespace in which it was opened,
 * whatever thread uses it.
 */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #name: string;
  readonly #close: (fd: number) => void;
  #buffer = Buffer.allocUnsafeSlow(32 * 1024);
  #sequence = 1;
  #open = true;

  /** Opens in the namespace of the calling thread. `name` is that namespace's name in messages. */
  constructor(name: string, protocol = NETLINK_ROUTE) {
    this.#name = `${protocol === NETLINK_ROUTE ? 'route netlink' : `netlink ${protocol}`} of ${name}`;
    this.#fd = openNetlink(protocol, this.#name);
    // After a transaction in the namespace, closing any nftables socket waits for an RCU grace period
    // (nft_rcv_nl_event). That would block the event loop for 10 ms.
    this.#close = protocol === NETLINK_ROUTE ? closeFd : closeFdElsewhere;
    // The socket is connected to the kernel, so that no other process can send it answers.
    connectSocket(this.#fd, netlinkAddress(), this.#name);
  }

  /** Every object of a dump, decoded while it is in the receive buffer. Undefined results are left out. */
  dump<T>(request: Request, decode: (message: Message) => T | undefined): T[] {
    for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
      const objects = this.#dumpOnce(request, decode);
      if (objects !== undefined) return objects;
    }
    const facts = { doing: `dump ${request.type}`, subject: this.#name, errno: 'EINTR' };
    throw refusal({ ...facts, words: `the dump was interrupted by changes ${DUMP_ATTEMPTS} times` });
  }

  #dumpOnce<T>(request: Request, decode: (message: Message) => T | undefined): T[] | undefined {
    const sequence = this.#send([{ ...request, flags: request.flags | NLM_F_DUMP }]);
    const objects: T[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive(sequence, 1)) {
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
          this.#throwRefused(decodeAcknowledgement(message), `dump ${request.type}`);
          return interrupted ? undefined : objects;
        }
        const object = decode(message);
        if (object !== undefined) objects.push(object);
      }
    }
  }

  /** The one object that a request asks for. A refusal is returned, so that the caller can evaluate it. */
  get<T>(request: Request, decode: (message: Message) => T): T | Acknowledgement {
    const sequence = this.#send([request]);
    for (;;) {
      for (const message of this.#receive(sequence, 1)) {
        return message.type === NLMSG_ERROR ? decodeAcknowledgement(message) : decode(message);
      }
    }
  }

  /**
   * Sends all requests in as few datagrams as possible and returns the answer to each. `onObject` gets the objects that
   * the requests ask for.
   */
  change(requests: readonly Request[], onObject: (message: Message) => void = () => {}): Acknowledgement[] {
    return batches(requests).flatMap((batch) => this.#changeBatch(batch, onObject));
  }

  /**
   * Like {@link change}, for one request that takes long, on another thread. The socket stays in its namespace.
   * Resolves with the acknowledgement, or as soon as the kernel reports the change with an echo of type `echo`. The
   * socket cannot be used for other requests after this.
   */
  async changeElsewhere(request: Request, echo: number): Promise<Acknowledgement> {
    const sequence = this.#sequence++;
    const flags = request.flags | NLM_F_ACK | NLM_F_ECHO;
    const bytes = encodeRequests([{ ...request, flags }], sequence);
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement>();
    const watch = watchReadable(this.#fd, () => {
      try {
        for (const message of this.#receive(sequence, 1)) {
          if (message.type === echo) resolve({ errno: 0, extAck: undefined });
          if (message.type === NLMSG_ERROR) resolve(decodeAcknowledgement(message));
        }
      } catch (error) {
        reject(error as Error);
      }
    });
    sendDatagramElsewhere(this.#fd, bytes, this.#name).catch(reject);
    try {
      return await promise;
    } finally {
      watch.close();
    }
  }

  #changeBatch(batch: readonly Request[], onObject: (message: Message) => void): Acknowledgement[] {
    const first = this.#send(batch.map((request) => ({ ...request, flags: request.flags | NLM_F_ACK })));
    const answers: Acknowledgement[] = [];
    while (answers.length < batch.length) {
      for (const message of this.#receive(first, batch.length)) {
        if (message.type === NLMSG_ERROR) answers[message.sequence - first] = decodeAcknowledgement(message);
        else onObject(message);
      }
    }
    return answers;
  }

  #send(requests: readonly Request[]): number {
    const first = this.#sequence;
    this.#sequence = (first + requests.length) & 0x3fffffff || 1;
    sendDatagram(this.#fd, encodeRequests(requests, first), this.#name);
    return first;
  }

  /**
   * The messages of the next datagram that answer the `count` requests from number `first`. Older answers are skipped.
   */
  *#receive(first: number, count: number): Generator<Message> {
    const length = peekDatagramLength(this.#fd, this.#name);
    if (length === undefined) {
      throw new OrbError('INTERNAL', { message: `${this.#name} has no answer to request ${first}` });
    }
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(length * 2);
    receiveDatagram(this.#fd, this.#buffer, this.#name);
    for (const message of decodeMessages(this.#buffer.subarray(0, length))) {
      if (message.sequence >= first && message.sequence < first + count) yield message;
    }
  }

  #throwRefused({ errno, extAck }: Acknowledgement, doing: string): void {
    if (errno !== 0) throw refusal({ doing, subject: this.#name, ...describeErrno(errno), extAck });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#close(this.#fd);
  }
}

function batches(requests: readonly Request[]): Request[][] {
  const all: Request[][] = [];
  let bytes = BATCH_BYTES;
  for (const request of requests) {
    const length = wireLength(request);
    const last = all.at(-1);
    if (last === undefined || bytes + length > BATCH_BYTES || last.length === BATCH_REQUESTS) {
      all.push([request]);
      bytes = length;
    } else {
      last.push(request);
      bytes += length;
    }
  }
  return all;
}
