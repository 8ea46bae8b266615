// One real network namespace: rtnetlink, nftables and sysctls, behind the interface of `#net`.

import { OrbError } from '#base';
import { type Address, type Family, formatAddress } from '#ip';
import {
  type DumpFilter,
  errnoOf,
  type InterfaceAddress,
  type Link,
  type Listener,
  type Neighbour,
  type NetworkChange,
  type NetworkNamespace,
  type NftRule,
  type ProxyNeighbour,
  type Route,
  type Rule,
  refusal,
} from '#net';
import { ChangeBatch, refused } from './change-batch.ts';
import { describeErrno } from './ffi/index.ts';
import { readListeners } from './listeners.ts';
import {
  decodeAddress,
  decodeLink,
  decodeNeighbour,
  decodeProxy,
  decodeRoute,
  decodeRouteTo,
  decodeRule,
  deleteLink,
  getAddresses,
  getLinks,
  getNeighbours,
  getProxies,
  getRoutes,
  getRouteTo,
  getRules,
  NetlinkSocket,
  RTM_DELLINK,
} from './netlink/index.ts';
import { inNetns, type NetnsHandle, openNetns } from './netns.ts';
import { Nftables } from './nft.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

const ENODEV = 19;

/** Opens the namespace at `path`. `current` is the namespace of this process. The caller closes it. */
export function openNamespace(path: string): NetworkNamespace {
  return openNamespaceOf(openNetns(path));
}

/** The namespace of a handle. Closing it also closes the handle. */
export function openNamespaceOf(netns: NetnsHandle): NetworkNamespace {
  return new KernelNamespace(netns);
}

class KernelNamespace implements NetworkNamespace {
  readonly #netns: NetnsHandle;
  readonly #socket: NetlinkSocket;
  readonly #nftables: Nftables;
  readonly #names = new Map<number, string>();
  #unknownIndexes = 0;

  constructor(netns: NetnsHandle) {
    this.#netns = netns;
    this.#nftables = new Nftables(netns);
    try {
      this.#socket = inNetns(netns, () => new NetlinkSocket(netns.path));
    } catch (error) {
      netns.close();
      throw error;
    }
  }

  get fd(): number {
    return this.#netns.fd;
  }

  get id(): string {
    return this.#netns.id;
  }

  link(name: string): Link | undefined {
    const answer = this.#socket.get(getLinks(name), decodeLink);
    if (answer === undefined || !('errno' in answer)) return answer;
    if (answer.errno === ENODEV) return undefined;
    const facts = { doing: `look up link ${name}`, subject: `link ${name}`, extAck: answer.extAck };
    throw refusal({ ...facts, ...describeErrno(answer.errno) });
  }

  links(): Link[] {
    const links = this.#socket.dump(getLinks(), decodeLink);
    this.#names.clear();
    for (const link of links) this.#names.set(link.index, link.name);
    return links;
  }

  addresses(filter: DumpFilter = {}): InterfaceAddress[] {
    return this.#dumpOf(filter, (index) =>
      this.#socket.dump(getAddresses(filter.family, index), (message) =>
        decodeAddress(message, this.#nameOf),
      ),
    );
  }

  routes(filter: DumpFilter = {}): Route[] {
    return this.#dumpOf(filter, (index) => {
      const request = getRoutes(filter.family, filter.table, index);
      return unlessTableIsAbsent(() =>
        this.#socket.dump(request, (message) => decodeRoute(message, this.#nameOf)),
      );
    });
  }

  rules(family?: Family): Rule[] {
    return this.#socket.dump(getRules(family), decodeRule);
  }

  neighbours(filter: DumpFilter = {}): Neighbour[] {
    return this.#dumpOf(filter, (index) =>
      this.#socket.dump(getNeighbours(filter.family, index), (message) =>
        decodeNeighbour(message, this.#nameOf),
      ),
    );
  }

  proxies(filter: DumpFilter = {}): ProxyNeighbour[] {
    return this.#dumpOf(filter, (index) =>
      this.#socket.dump(getProxies(filter.family, index), (message) => decodeProxy(message, this.#nameOf)),
    );
  }

  routeTo(destination: Address): Route {
    const subject = `route to ${formatAddress(destination)}`;
    const answer = this.#withNames(() =>
      this.#socket.get(getRouteTo(destination), (message) => decodeRouteTo(message, this.#nameOf)),
    );
    if (answer === undefined) throw new OrbError('INTERNAL', { message: `${subject} is of an unknown kind` });
    if (!('errno' in answer)) return answer;
    throw refusal({
      doing: `find ${subject}`,
      subject,
      extAck: answer.extAck,
      ...describeErrno(answer.errno),
    });
  }

  /** Limits the dump to the filter's link. Empty if the link does not exist. */
  #dumpOf<T>({ dev }: DumpFilter, dump: (index: number | undefined) => T[]): T[] {
    if (dev === undefined) return this.#withNames(() => dump(undefined));
    const index = this.link(dev)?.index;
    if (index === undefined) return [];
    this.#names.set(index, dev);
    try {
      return this.#withNames(() => dump(index));
    } catch (error) {
      // The link was removed between the two requests.
      if (errnoOf(error) === 'ENODEV') return [];
      throw error;
    }
  }

  /** Reads, and reads again with new names if the first read met an unknown link. */
  #withNames<T>(read: () => T): T {
    this.#unknownIndexes = 0;
    const first = read();
    if (this.#unknownIndexes === 0) return first;
    this.links();
    return read();
  }

  /** Called while an answer is being read. The socket cannot look up a name then. */
  readonly #nameOf = (index: number): string => {
    const name = this.#names.get(index);
    if (name === undefined) this.#unknownIndexes++;
    return name ?? `if${index}`;
  };

  change(changes: readonly NetworkChange[]): void {
    new ChangeBatch(this.#socket).apply(changes);
  }

  async deleteLink(name: string): Promise<void> {
    const change = { verb: 'delete', kind: 'link', name } as const;
    const index = this.link(name)?.index;
    if (index === undefined) throw refused(change, { errno: ENODEV, extAck: `no link named ${name}` });
    // Uses its own socket: on the shared one, another request could read the answer.
    const socket = inNetns(this.#netns, () => new NetlinkSocket(this.#netns.path));
    try {
      // The kernel reports that name, routes and neighbours are gone. Only after that, it waits until nobody uses the
      // link any more (rcu_barrier of netdev_run_todo, some 20 ms). Kernels before 6.2 do not echo RTM_DELLINK: they
      // acknowledge at the end.
      const answer = await socket.changeElsewhere(
        deleteLink(name, () => index),
        RTM_DELLINK,
      );
      if (answer.errno !== 0) throw refused(change, answer);
    } finally {
      socket.close();
    }
  }

  sysctl(key: string): string | undefined {
    return readSysctl(this.#netns, key);
  }

  setSysctl(key: string, value: string): void {
    writeSysctl(this.#netns, key, value);
  }

  listeners(): Listener[] {
    return readListeners(this.#netns);
  }

  nft(commands: string): void {
    this.#nftables.run(commands);
  }

  nftTable(family: string, table: string): unknown {
    return this.#nftables.table(family, table);
  }

  nftRules(table: string): NftRule[] {
    return this.#nftables.rules(table);
  }

  close(): void {
    this.#nftables.close();
    this.#socket.close();
    this.#netns.close();
  }
}

/** If one family is asked for, the kernel answers ENOENT for a table that never had a route. */
function unlessTableIsAbsent(dump: () => Route[]): Route[] {
  try {
    return dump();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
