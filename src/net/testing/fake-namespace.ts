// A network namespace in memory for tests. It follows the kernel's rules that our code relies on: what exists, and what
// a change creates and deletes besides. Every change is recorded.

import { type Address, type Family, formatAddress } from '#ip';
import { describeChange } from '../describe.ts';
import type { DumpFilter, NetworkChange, NetworkNamespace } from '../namespace.ts';
import type {
  InterfaceAddress,
  Link,
  Listener,
  Neighbour,
  NftRule,
  ProxyNeighbour,
  Route,
  Rule,
} from '../objects.ts';
import { refusal } from '../refusal.ts';
import { type Errno, errnoWords } from './fake-errno.ts';
import { FakeLinks } from './fake-links.ts';
import { FakeTables } from './fake-tables.ts';

/** Namespaces in memory, by their artificial descriptors. Veths connect them. */
export type FakeNamespaces = Map<number, FakeNamespace>;

/** Starts like a new namespace: with `lo`, which is down, and the rules for the tables local, main and default. */
export class FakeNamespace implements NetworkNamespace {
  readonly fd: number;
  readonly id: string;
  /** Every attempted change, in order. */
  readonly changes: NetworkChange[] = [];
  /** Every run of nft commands. */
  readonly nftCommands: string[] = [];
  /** The keys are like `inet orbweaver`. Set the value that {@link nftTable} must return. */
  readonly nftTables = new Map<string, unknown>();
  /** What {@link nftRules} must return. */
  readonly inetRules = new Map<string, NftRule[]>();
  /** What {@link listeners} must return. */
  readonly listening: Listener[] = [];
  readonly sysctls: Map<string, string>;
  readonly #tables: FakeTables;
  readonly #links: FakeLinks;

  /** Namespaces that reach one another by descriptor get the same `peers`. */
  constructor(
    options: { fd?: number; peers?: FakeNamespaces; sysctls?: Readonly<Record<string, string>> } = {},
  ) {
    const peers = options.peers ?? new Map<number, FakeNamespace>();
    this.fd = options.fd ?? 1000 + peers.size;
    this.id = `fake:${this.fd}`;
    peers.set(this.fd, this);
    this.sysctls = new Map(Object.entries(options.sysctls ?? {}));
    this.#tables = new FakeTables((name) => this.link(name));
    this.#links = new FakeLinks({
      fd: this.fd,
      tables: this.#tables,
      abroad: (fd) => {
        const other = peers.get(fd);
        return other === undefined ? undefined : other.#links;
      },
    });
    this.addLink({ name: 'lo', loopback: true, mac: '00:00:00:00:00:00', mtuBytes: 65536 });
  }

  /** Adds a link that exists before the test, for example a physical NIC. */
  addLink(link: Partial<Link> & { name: string }): Link {
    return this.#links.add(link);
  }

  link(name: string): Link | undefined {
    return this.#links.find(name);
  }

  links(): Link[] {
    return this.#links.all();
  }

  addresses(filter?: DumpFilter): InterfaceAddress[] {
    return this.#tables.addresses(filter);
  }

  routes(filter?: DumpFilter): Route[] {
    return this.#tables.routes(filter);
  }

  rules(family?: Family): Rule[] {
    return this.#tables.rules(family);
  }

  neighbours(filter?: DumpFilter): Neighbour[] {
    return this.#tables.neighbours(filter);
  }

  proxies(filter?: DumpFilter): ProxyNeighbour[] {
    return this.#tables.proxies(filter);
  }

  /** The longest match in main. Rules are ignored. */
  routeTo(destination: Address): Route {
    const route = this.#tables.routeTo(destination);
    if (route !== undefined) return route;
    throw refused('find', `route to ${formatAddress(destination)}`, 'ENETUNREACH');
  }

  async deleteLink(name: string): Promise<void> {
    this.change([{ verb: 'delete', kind: 'link', name }]);
  }

  change(changes: readonly NetworkChange[]): void {
    let first: Error | undefined;
    for (const change of changes) {
      this.changes.push(change);
      const errno = this.#apply(change);
      if (errno !== undefined) first ??= refused(change.verb, describeChange(change), errno);
    }
    if (first !== undefined) throw first;
  }

  #apply(change: NetworkChange): Errno | undefined {
    switch (change.kind) {
      case 'link':
        if (change.verb === 'create') return this.#links.create(change.link);
        return change.verb === 'set' ? this.#links.set(change.link) : this.#links.delete(change.name);
      case 'address':
        return this.#tables.changeAddress(change.verb, change.address);
      case 'route':
        return this.#tables.changeRoute(change.verb, change.route);
      case 'rule':
        return this.#tables.changeRule(change.verb, change.rule);
      case 'neighbour':
        return this.#tables.changeNeighbour(change.verb, change.neighbour);
      case 'proxy':
        return this.#tables.changeProxy(change.verb, change.proxy);
    }
  }

  sysctl(key: string): string | undefined {
    return this.sysctls.get(key);
  }

  setSysctl(key: string, value: string): void {
    if (!this.sysctls.has(key)) throw refused('set', `sysctl ${key}`, 'ENOENT', ` to ${value}`);
    this.sysctls.set(key, value);
  }

  listeners(): Listener[] {
    return this.listening;
  }

  nft(commands: string): void {
    this.nftCommands.push(commands);
  }

  nftTable(family: string, table: string): unknown {
    return this.nftTables.get(`${family} ${table}`);
  }

  nftRules(table: string): NftRule[] {
    return this.inetRules.get(table) ?? [];
  }

  close(): void {}
}

function refused(verb: string, subject: string, errno: Errno, how = ''): Error {
  return refusal({ doing: `${verb} ${subject}${how}`, subject, errno, words: errnoWords[errno] });
}
