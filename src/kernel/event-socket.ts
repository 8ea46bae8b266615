// A netlink socket that listens. It delivers datagrams through the event loop, and reports that some were lost.

import { errnoOf } from '#net';
import {
  attachFilter,
  closeFd,
  type FilterInstruction,
  MessageReceiver,
  setSocketOption,
  type Watch,
  watchReadable,
} from './ffi/index.ts';
import { decodeMessages, type Message, openNetlink } from './netlink/index.ts';

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_LISTEN_ALL_NSID = 8;

/** Datagrams read in one turn of the event loop, so that a flood of events does not starve everything else. */
const DATAGRAMS_PER_TURN = 256;
const BUFFER_BYTES = 32 * 1024;

export interface EventSocketOptions {
  /** NETLINK_ROUTE or NETLINK_NETFILTER (netlink.h). */
  readonly protocol: number;
  readonly groups: readonly number[];
  /** What the kernel must deliver; without a filter, everything. */
  readonly filter?: readonly FilterInstruction[];
  /** Also receives from every namespace that has an id in this one. Needs CAP_NET_BROADCAST. */
  readonly everywhere: boolean;
  /** For messages. */
  readonly subject: string;
}

/** Receives the events. */
export interface EventListener {
  /** `namespaceId` is undefined for the socket's own namespace. */
  message(message: Message, namespaceId: number | undefined): void;
  /** Events were lost: everything must be read again. */
  lost(): void;
}

export class EventSocket {
  readonly #fd: number;
  readonly #listener: EventListener;
  readonly #subject: string;
  readonly #receiver = new MessageReceiver(BUFFER_BYTES);
  #watch: Watch | undefined;
  #open = true;
  /** Reported when the queue is empty. Until then, the kernel continues to drop events silently. */
  #lost = false;

  /** Subscribes in the namespace of the calling thread. Events arrive after {@link listen} was called. */
  constructor(
    { protocol, groups, filter, everywhere, subject }: EventSocketOptions,
    listener: EventListener,
  ) {
    this.#listener = listener;
    this.#subject = subject;
    this.#fd = openNetlink(protocol, subject);
    try {
      if (everywhere) setSocketOption(this.#fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1);
      if (filter !== undefined) attachFilter(this.#fd, filter);
      for (const group of groups) setSocketOption(this.#fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    } catch (error) {
      closeFd(this.#fd);
      throw error;
    }
  }

  /** Call it outside of any other namespace: the event loop's thread must stay in its own. */
  listen(): void {
    this.#watch = watchReadable(this.#fd, () => this.#drain());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.close();
    closeFd(this.#fd);
  }

  #drain(): void {
    for (let i = 0; i < DATAGRAMS_PER_TURN && this.#open; i++) {
      if (!this.#receive()) {
        if (!this.#lost) return;
        this.#lost = false;
        this.#listener.lost();
        return;
      }
    }
  }

  /** Returns false when the queue is empty. */
  #receive(): boolean {
    try {
      const received = this.#receiver.receive(this.#fd, this.#subject);
      if (received === undefined) return false;
      const { length, namespaceId } = received;
      if (length > BUFFER_BYTES) this.#lost = true;
      else this.#deliver(length, namespaceId);
    } catch (error) {
      if (errnoOf(error) !== 'ENOBUFS') throw error;
      this.#lost = true;
    }
    return true;
  }

  #deliver(length: number, namespaceId: number | undefined): void {
    for (const message of decodeMessages(this.#receiver.buffer.subarray(0, length))) {
      if (this.#open) this.#listener.message(message, namespaceId);
    }
  }
}
