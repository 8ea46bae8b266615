// Reports changes in a namespace, or in all namespaces that it knows. It reads netlink's multicast groups through the
// event loop.

import { isOrbError } from '#base';
import type { InterfaceAddress, Link, Neighbour, Route, Rule } from '#net';
import { EventSocket } from './event-socket.ts';
import type { FilterInstruction } from './ffi/index.ts';
import {
  decodeAddress,
  decodeConfiguration,
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  decodeRule,
  getLinks,
  type Message,
  NETLINK_NETFILTER,
  NetlinkSocket,
  NFNLGRP_NFTABLES,
  NFT_NEW_GENERATION,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWNETCONF,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from './netlink/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';
import { assemble, DROP, jumpIfMessage, KEEP, loadMessageType } from './socket-filter.ts';

/** The kinds of objects that can be watched, with their groups (rtnetlink.h, RTNLGRP_*). */
const groups = {
  link: [1],
  neighbour: [3],
  address: [5, 9],
  route: [7, 11],
  rule: [8, 19],
  /** Forwarding and rp_filter: the kernel reports these sysctls. */
  configuration: [24, 25],
} as const;
export type WatchedKind = keyof typeof groups | 'ruleset';

/** An object was made, changed or removed. Or events were lost, and everything must be read again. */
export type NetworkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: InterfaceAddress }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly kind: 'rule'; readonly gone: boolean; readonly rule: Rule }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  /** A sysctl of an interface, of `all` or of `default`. */
  | { readonly kind: 'configuration'; readonly dev: string }
  /** nftables has committed a transaction. The event does not say whose, or what it changed. */
  | { readonly kind: 'ruleset' }
  | { readonly kind: 'resync' };

/**
 * Called for every event. `namespaceId` is undefined for the namespace itself. Links of other namespaces are called
 * `if<index>`.
 */
export type NetworkListener = (event: NetworkEvent, namespaceId: number | undefined) => void;

export interface MonitorOptions {
  /** Also reports events of every namespace that has an id in this one. Needs CAP_NET_BROADCAST. */
  readonly everywhere?: boolean;
  /**
   * A program that keeps the interesting events of route netlink. It must keep link events, because they carry the
   * names.
   */
  readonly filter?: readonly FilterInstruction[];
}

/** A running monitor. */
export interface NetworkMonitor {
  close(): void;
}

/** Calls `listener` for every event of the kinds in the namespace, until closed. It keeps the process alive. */
export function monitorNetns(
  netns: NetnsHandle,
  kinds: readonly WatchedKind[],
  listener: NetworkListener,
  options: MonitorOptions = {},
): NetworkMonitor {
  return new Monitor(netns, kinds, listener, options);
}

const NETLINK_ROUTE = 0;

/** Keeps one of nftables' notifications for each transaction. */
const generationFilter = assemble([
  loadMessageType(),
  jumpIfMessage(NFT_NEW_GENERATION, { yes: KEEP, no: DROP }),
]);

class Monitor implements NetworkMonitor {
  readonly #sockets: EventSocket[] = [];
  readonly #listener: NetworkListener;
  /** Whether link events were requested. They arrive in any case, because they carry the names. */
  readonly #tellLinks: boolean;
  /** To read the names of links. */
  #namesSocket: NetlinkSocket | undefined;
  readonly #names = new Map<number, string>();

  constructor(
    netns: NetnsHandle,
    kinds: readonly WatchedKind[],
    listener: NetworkListener,
    options: MonitorOptions,
  ) {
    this.#listener = listener;
    this.#tellLinks = kinds.includes('link');
    try {
      inNetns(netns, () => this.#subscribe(new Set([...kinds, 'link']), netns.path, options));
    } catch (error) {
      this.close();
      throw error;
    }
    for (const socket of this.#sockets) socket.listen();
  }

  /** Joins the groups first and reads the names after that, so that no event is missed in between. */
  #subscribe(kinds: ReadonlySet<WatchedKind>, path: string, options: MonitorOptions): void {
    const { everywhere = false, filter } = options;
    const lost = () => this.#listener({ kind: 'resync' }, undefined);
    const routesLost = () => {
      this.#renewNames();
      lost();
    };
    const common = { everywhere, subject: `network events of ${path}` };
    const routeGroups = [...kinds].flatMap((kind) => (kind === 'ruleset' ? [] : groups[kind]));
    this.#sockets.push(
      new EventSocket(
        { ...common, protocol: NETLINK_ROUTE, groups: routeGroups, ...(filter !== undefined && { filter }) },
        { lost: routesLost, message: (message, namespaceId) => this.#tellRoute(message, namespaceId) },
      ),
    );
    if (kinds.has('ruleset')) {
      this.#sockets.push(
        new EventSocket(
          { ...common, protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES], filter: generationFilter },
          { lost, message: (_, namespaceId) => this.#listener({ kind: 'ruleset' }, namespaceId) },
        ),
      );
    }
    this.#namesSocket = new NetlinkSocket(path);
    this.#readNames(this.#namesSocket);
  }

  #readNames(socket: NetlinkSocket): void {
    const links = socket.dump(getLinks(), decodeLink);
    this.#names.clear();
    for (const link of links) this.#names.set(link.index, link.name);
  }

  /** Links may have appeared among the lost events. */
  #renewNames(): void {
    if (this.#namesSocket === undefined) return;
    try {
      this.#readNames(this.#namesSocket);
    } catch (error) {
      // During very many changes, no dump may complete. The new links are called `if<index>` until their next event.
      if (!isOrbError(error, 'KERNEL_REFUSED')) throw error;
    }
  }

  #tellRoute(message: Message, namespaceId: number | undefined): void {
    const nameOf = (index: number) =>
      (namespaceId === undefined ? this.#names.get(index) : undefined) ?? `if${index}`;
    const event = decodeEvent(message, nameOf);
    if (event === undefined) return;
    if (event.kind === 'link' && namespaceId === undefined) this.#learn(event.link, event.gone);
    if (event.kind !== 'link' || this.#tellLinks) this.#listener(event, namespaceId);
  }

  #learn(link: Link, gone: boolean): void {
    if (gone) this.#names.delete(link.index);
    else this.#names.set(link.index, link.name);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
    this.#namesSocket?.close();
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
    case RTM_NEWNETCONF:
      return { kind: 'configuration', dev: decodeConfiguration(message, nameOf) };
    default:
      return undefined;
  }
}
