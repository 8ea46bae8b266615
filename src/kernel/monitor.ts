// What changes in a namespace, as it changes: rtnetlink's multicast groups through the event loop.

import type { InterfaceAddress, Link, Neighbour, Route, Rule } from '#net';
import { errnoOf } from '#net';
import { closeFd, receiveDatagram, setSocketOption } from './ffi/libc.ts';
import { type Watch, watchReadable } from './ffi/poll.ts';
import { decodeAddress, RTM_DELADDR, RTM_NEWADDR } from './netlink/address.ts';
import { decodeLink, getLinks, RTM_DELLINK, RTM_NEWLINK } from './netlink/link.ts';
import { decodeMessages, type Message } from './netlink/message.ts';
import { decodeNeighbour, RTM_DELNEIGH, RTM_NEWNEIGH } from './netlink/neighbour.ts';
import { decodeRoute, RTM_DELROUTE, RTM_NEWROUTE } from './netlink/route.ts';
import { decodeRule, RTM_DELRULE, RTM_NEWRULE } from './netlink/rule.ts';
import { NetlinkSocket, openNetlink } from './netlink/socket.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

/** The kinds of objects that can be watched, with their groups (rtnetlink.h, RTNLGRP_*). */
const groups = { link: [1], neighbour: [3], address: [5, 9], route: [7, 11], rule: [8, 19] } as const;
export type WatchedKind = keyof typeof groups;

/** An object was made or changed, or is gone; or events were lost, and everything must be read anew. */
export type NetworkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: InterfaceAddress }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly kind: 'rule'; readonly gone: boolean; readonly rule: Rule }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  | { readonly kind: 'resync' };

/** A running monitor. */
export interface NetworkMonitor {
  close(): void;
}

/** Calls `listener` for every event of the kinds in the namespace until closed; it keeps the process alive. */
export function monitorNetns(
  netns: NetnsHandle,
  kinds: readonly WatchedKind[],
  listener: (event: NetworkEvent) => void,
): NetworkMonitor {
  return new Monitor(netns, kinds, listener);
}

/** Datagrams read in one turn of the loop, so that a flood of events does not starve everything else. */
const datagramsPerTurn = 256;

class Monitor implements NetworkMonitor {
  readonly #fd: number;
  readonly #watch: Watch;
  readonly #listener: (event: NetworkEvent) => void;
  readonly #subject: string;
  /** Whether link events were asked for: they come in any case, because they carry the names. */
  readonly #tellLinks: boolean;
  readonly #names = new Map<number, string>();
  #buffer = Buffer.allocUnsafeSlow(32 * 1024);
  #open = true;
  /** Events were lost; said when the queue is empty, because until then the kernel goes on to drop events silently. */
  #lost = false;

  constructor(netns: NetnsHandle, kinds: readonly WatchedKind[], listener: (event: NetworkEvent) => void) {
    this.#listener = listener;
    this.#subject = `network events of ${netns.path}`;
    this.#tellLinks = kinds.includes('link');
    this.#fd = inNetns(netns, () => this.#subscribe(new Set([...kinds, 'link' as const]), netns.path));
    this.#watch = watchReadable(this.#fd, () => this.#drain());
  }

  /** First the groups, then the names: so nothing falls in between. */
  #subscribe(kinds: ReadonlySet<WatchedKind>, path: string): number {
    const SOL_NETLINK = 270;
    const NETLINK_ADD_MEMBERSHIP = 1;
    const fd = openNetlink(0, this.#subject);
    try {
      for (const group of [...kinds].flatMap((kind) => groups[kind])) {
        setSocketOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
      }
      this.#readNames(path);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    return fd;
  }

  #readNames(path: string): void {
    const socket = new NetlinkSocket(path);
    try {
      for (const link of socket.dump(getLinks(), decodeLink)) this.#names.set(link.index, link.name);
    } finally {
      socket.close();
    }
  }

  #drain(): void {
    for (let i = 0; i < datagramsPerTurn && this.#open; i++) {
      const length = this.#receive();
      if (length === undefined) {
        this.#askForResync();
        return;
      }
      if (length <= this.#buffer.length) {
        this.#deliver(this.#buffer.subarray(0, length));
      } else {
        this.#buffer = Buffer.allocUnsafeSlow(length * 2);
        this.#lost = true;
      }
    }
  }

  /** The length of the next datagram; undefined when the queue is empty. */
  #receive(): number | undefined {
    try {
      return receiveDatagram(this.#fd, this.#buffer, this.#subject);
    } catch (error) {
      if (errnoOf(error) !== 'ENOBUFS') throw error;
      this.#lost = true;
      return 0;
    }
  }

  #askForResync(): void {
    if (!this.#lost) return;
    this.#lost = false;
    this.#listener({ kind: 'resync' });
  }

  #deliver(datagram: Uint8Array): void {
    for (const message of decodeMessages(datagram)) {
      const event = decodeEvent(message, (index) => this.#names.get(index) ?? `if${index}`);
      if (event === undefined || !this.#open) continue;
      if (event.kind === 'link') this.#learn(event.link, event.gone);
      if (event.kind !== 'link' || this.#tellLinks) this.#listener(event);
    }
  }

  #learn(link: Link, gone: boolean): void {
    if (gone) this.#names.delete(link.index);
    else this.#names.set(link.index, link.name);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeFd(this.#fd);
  }
}

function decodeEvent(message: Message, nameOf: (index: number) => string): NetworkEvent | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = decodeLink(message);
      return link && { kind: 'link', gone: message.type === RTM_DELLINK, link };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = decodeAddress(message, nameOf);
      return address && { kind: 'address', gone: message.type === RTM_DELADDR, address };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = decodeRoute(message, nameOf);
      return route && { kind: 'route', gone: message.type === RTM_DELROUTE, route };
    }
    case RTM_NEWRULE:
    case RTM_DELRULE: {
      const rule = decodeRule(message);
      return rule && { kind: 'rule', gone: message.type === RTM_DELRULE, rule };
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const neighbour = decodeNeighbour(message, nameOf);
      return neighbour && { kind: 'neighbour', gone: message.type === RTM_DELNEIGH, neighbour };
    }
    default:
      return undefined;
  }
}
