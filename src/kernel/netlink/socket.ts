// A netlink socket: requests answered at once, dumps read to their end, batches of changes with every answer read.

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
} from '../ffi/libc.ts';
import { watchReadable } from '../ffi/poll.ts';
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

// A request must fit the send buffer, and its answers the receive buffer: the kernel drops what does not.
const batchBytes = 32 * 1024;
const batchRequests = 128;
const receiveBufferBytes = 1024 * 1024;
/** containernetworking/plugins tries an interrupted dump 5 times; nodes where pods come and go need more. */
const dumpAttempts = 20;

/** struct sockaddr_nl of the kernel, or with `groups` of a listener to these multicast groups. */
export function netlinkAddress(groups = 0): Uint8Array {
  const address = new DataView(new ArrayBuffer(12));
  address.setUint16(0, AF_NETLINK, true);
  address.setUint32(8, groups, true);
  return new Uint8Array(address.buffer);
}

/** Opens a netlink descriptor in the namespace this thread stands in. */
export function openNetlink(protocol: number, subject: string): number {
  const fd = openSocket(AF_NETLINK, SOCK_RAW, protocol, subject);
  try {
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]) {
      setSocketOption(fd, SOL_NETLINK, option, 1);
    }
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes);
    bindSocket(fd, netlinkAddress(), subject);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

const NETLINK_ROUTE = 0;

/** An open netlink socket, of rtnetlink or another protocol. It answers for the namespace it was opened in, whoever asks from wherever. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #name: string;
  readonly #close: (fd: number) => void;
  #buffer = Buffer.allocUnsafeSlow(32 * 1024);
  #sequence = 1;
  #open = true;

  /** Opens in the namespace this thread stands in; `name` says which, for messages. */
  constructor(name: string, protocol = NETLINK_ROUTE) {
    this.#name = `${protocol === NETLINK_ROUTE ? 'route netlink' : `netlink ${protocol}`} of ${name}`;
    this.#fd = openNetlink(protocol, this.#name);
    // After somebody's transaction in the namespace the kernel waits for an RCU grace period when any socket of nftables is closed
    // (nft_rcv_nl_event), 10 ms in which the event loop would stand still.
    this.#close = protocol === NETLINK_ROUTE ? closeFd : closeFdElsewhere;
    // Connected to the kernel, so that no process can slip answers in.
    connectSocket(this.#fd, netlinkAddress(), this.#name);
  }

  /** Every object of a dump, decoded while the receive buffer holds it; undefined results are left out. */
  dump<T>(request: Request, decode: (message: Message) => T | undefined): T[] {
    for (let attempt = 1; attempt <= dumpAttempts; attempt++) {
      const objects = this.#dumpOnce(request, decode);
      if (objects !== undefined) return objects;
    }
    const facts = { doing: `dump ${request.type}`, subject: this.#name, errno: 'EINTR' };
    throw refusal({ ...facts, words: `the dump was interrupted by changes ${dumpAttempts} times` });
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

  /** The one object a request asks for; a refusal is returned, for the caller to judge. */
  get<T>(request: Request, decode: (message: Message) => T): T | Acknowledgement {
    const sequence = this.#send([request]);
    for (;;) {
      for (const message of this.#receive(sequence, 1)) {
        return message.type === NLMSG_ERROR ? decodeAcknowledgement(message) : decode(message);
      }
    }
  }

  /** Sends all requests in as few datagrams as fit and returns the answer to each; `onObject` gets what those show that ask. */
  change(requests: readonly Request[], onObject: (message: Message) => void = () => {}): Acknowledgement[] {
    return batches(requests).flatMap((batch) => this.#changeBatch(batch, onObject));
  }

  /**
   * As {@link change} for one request whose sending takes long, on another thread: the socket stays in its namespace. Resolves with
   * the acknowledgement, or as soon as the kernel tells of the change by an echo of type `echo`. Nothing else may be asked of this
   * socket any more.
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

  /** The next datagram's messages that answer the `count` requests from `first` on; older answers are passed over. */
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
  let bytes = batchBytes;
  for (const request of requests) {
    const length = wireLength(request);
    const last = all.at(-1);
    if (last === undefined || bytes + length > batchBytes || last.length === batchRequests) {
      all.push([request]);
      bytes = length;
    } else {
      last.push(request);
      bytes += length;
    }
  }
  return all;
}
