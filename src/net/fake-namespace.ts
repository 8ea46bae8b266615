// A network namespace in memory for tests: the kernel's rules about what exists, what that makes
// and what goes with it, as far as our code relies on them; every change is recorded.

import { type Address, cidrContains, type Family, formatAddress, formatCidr, sameAddress } from '#ip';
import { describeChange } from './describe.ts';
import type { Change, DumpFilter, NetworkNamespace } from './namespace.ts';
import {
  type InterfaceAddress,
  type Link,
  type LinkSettings,
  type LinkSpec,
  MAIN_TABLE,
  type Neighbour,
  type Route,
  type Rule,
} from './objects.ts';
import { refusal } from './refusal.ts';
import { connectedRoute, routeAsKept, routeKey, routeMatches, ruleKey } from './sameness.ts';

const words = {
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  ENETUNREACH: 'Network is unreachable',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
} as const;
type Errno = keyof typeof words;

/** FRA_PROTOCOL of what the kernel makes itself. */
const RTPROT_KERNEL = 2;

/** Namespaces in memory by their made-up descriptors, for veths between them. */
export type FakeNamespaces = Map<number, FakeNamespace>;

/** Starts as a new namespace does: `lo`, down, and the rules that look into local, main and default. */
export class FakeNamespace implements NetworkNamespace {
  readonly fd: number;
  readonly id: string;
  /** Every change that was tried, in order. */
  readonly changes: Change[] = [];
  /** Every run of nft commands. */
  readonly nftCommands: string[] = [];
  /** Keyed `inet orbweaver`: set it to what {@link nftTable} shall return. */
  readonly nftTables = new Map<string, unknown>();
  readonly sysctls: Map<string, string>;
  readonly #peers: FakeNamespaces;
  #links: Link[] = [];
  #addresses: InterfaceAddress[] = [];
  #routes: Route[] = [];
  #rules: Rule[] = [];
  #neighbours: Neighbour[] = [];
  #nextIndex = 1;

  /** Namespaces that shall reach one another by descriptor are given the same `peers`. */
  constructor(
    options: { fd?: number; peers?: FakeNamespaces; sysctls?: Readonly<Record<string, string>> } = {},
  ) {
    this.#peers = options.peers ?? new Map<number, FakeNamespace>();
    this.fd = options.fd ?? 1000 + this.#peers.size;
    this.id = `fake:${this.fd}`;
    this.#peers.set(this.fd, this);
    this.sysctls = new Map(Object.entries(options.sysctls ?? {}));
    this.addLink({ name: 'lo', loopback: true, mac: '00:00:00:00:00:00', mtuBytes: 65536 });
    for (const family of [4, 6] as const) {
      this.#rules.push({ family, priority: 0, table: 255, protocol: RTPROT_KERNEL });
      this.#rules.push({ family, priority: 32766, table: MAIN_TABLE, protocol: RTPROT_KERNEL });
    }
    this.#rules.push({ family: 4, priority: 32767, table: 253, protocol: RTPROT_KERNEL });
  }

  /** A link that was there before the test, say a physical NIC. */
  addLink(link: Partial<Link> & { name: string }): Link {
    const index = this.#nextIndex++;
    const added = { index, mtuBytes: 1500, up: false, carrier: false, loopback: false, ...link };
    this.#links.push(added);
    return added;
  }

  link(name: string): Link | undefined {
    return this.#links.find((link) => link.name === name);
  }

  links(): Link[] {
    return [...this.#links];
  }

  addresses(filter: DumpFilter = {}): InterfaceAddress[] {
    return this.#addresses.filter((each) => matches(filter, each.address.address.family, each.dev));
  }

  routes(filter: DumpFilter = {}): Route[] {
    return this.#routes.filter(
      (each) =>
        matches(filter, each.destination.address.family, each.dev) &&
        (filter.table === undefined || filter.table === each.table),
    );
  }

  rules(family?: Family): Rule[] {
    const rules = this.#rules.filter((rule) => family === undefined || rule.family === family);
    return rules.sort((a, b) => a.family - b.family || a.priority - b.priority);
  }

  neighbours(filter: DumpFilter = {}): Neighbour[] {
    return this.#neighbours.filter((each) => matches(filter, each.address.family, each.dev));
  }

  /** The longest match in main, without regard to rules. */
  routeTo(destination: Address): Route {
    const fitting = this.routes({ table: MAIN_TABLE }).filter((each) =>
      cidrContains(each.destination, destination),
    );
    const route = fitting.sort((a, b) => b.destination.prefixLength - a.destination.prefixLength)[0];
    if (route !== undefined) return route;
    const subject = `route to ${formatAddress(destination)}`;
    throw refusal({ doing: `find ${subject}`, subject, errno: 'ENETUNREACH', words: words.ENETUNREACH });
  }

  async deleteLink(name: string): Promise<void> {
    this.change([{ verb: 'delete', kind: 'link', name }]);
  }

  change(changes: readonly Change[]): void {
    let first: Error | undefined;
    for (const change of changes) {
      this.changes.push(change);
      const errno = this.#apply(change);
      if (errno === undefined) continue;
      const subject = describeChange(change);
      first ??= refusal({ doing: `${change.verb} ${subject}`, subject, errno, words: words[errno] });
    }
    if (first !== undefined) throw first;
  }

  #apply(change: Change): Errno | undefined {
    switch (change.kind) {
      case 'link':
        if (change.verb === 'create') return this.#createLink(change.link);
        return change.verb === 'set' ? this.#setLink(change.link) : this.#deleteLink(change.name);
      case 'address':
        return this.#changeAddress(change.verb, change.address);
      case 'route':
        return this.#changeRoute(change.verb, change.route);
      case 'rule':
        return this.#changeRule(change.verb, change.rule);
      case 'neighbour':
        return this.#changeNeighbour(change.verb, change.neighbour);
    }
  }

  #createLink(spec: LinkSpec): Errno | undefined {
    const { type } = spec;
    const there = type.kind === 'veth' ? this.#peerNamespace(type.peer.netnsFd) : undefined;
    if (type.kind === 'veth' && there === undefined) return 'EINVAL';
    if (this.link(spec.name) !== undefined) return 'EEXIST';
    if (type.kind === 'veth' && there?.link(type.peer.name) !== undefined) return 'EEXIST';
    const parent = 'parent' in type && type.parent !== undefined ? this.link(type.parent) : undefined;
    if ('parent' in type && type.parent !== undefined && parent === undefined) return 'ENODEV';
    const up = spec.up === true;
    const made = this.addLink({ ...linkFields(spec), name: spec.name, kind: type.kind, up, carrier: up });
    if (type.kind === 'vlan') this.#replaceLink(made, { vlanId: type.vlanId });
    if (type.kind === 'bond') this.#replaceLink(made, { bondMode: type.mode });
    if (parent !== undefined) this.#replaceLink(this.link(spec.name) ?? made, { linkIndex: parent.index });
    if (type.kind === 'veth' && there !== undefined) {
      const far = there.addLink({ ...linkFields(type.peer), name: type.peer.name, kind: 'veth' });
      this.#joinVeth(made, far, there);
    }
    return spec.master === undefined ? undefined : this.#setLink({ name: spec.name, master: spec.master });
  }

  #joinVeth(near: Link, far: Link, there: FakeNamespace): void {
    const abroad = there !== this;
    this.#replaceLink(near, { linkIndex: far.index, ...(abroad ? { linkNetnsId: there.fd } : {}) });
    there.#replaceLink(far, { linkIndex: near.index, ...(abroad ? { linkNetnsId: this.fd } : {}) });
  }

  #peerNamespace(fd: number | undefined): FakeNamespace | undefined {
    return fd === undefined ? this : this.#peers.get(fd);
  }

  #replaceLink(link: Link, fields: Partial<Link>): void {
    this.#links = this.#links.map((each) => (each.index === link.index ? { ...each, ...fields } : each));
  }

  #setLink({ name, newName, up, master, alias, netnsFd, ...rest }: LinkSettings): Errno | undefined {
    const link = this.link(name);
    const masterIndex = typeof master === 'string' ? this.link(master)?.index : undefined;
    if (link === undefined || (typeof master === 'string' && masterIndex === undefined)) return 'ENODEV';
    if (newName !== undefined && this.link(newName) !== undefined) return 'EEXIST';
    const there = this.#peerNamespace(netnsFd);
    if (there === undefined) return 'EINVAL';
    this.#replaceLink(link, {
      ...linkFields(rest),
      ...(up === undefined ? {} : { up, carrier: up }),
      ...(alias === undefined ? {} : { alias }),
      ...(masterIndex === undefined ? {} : { masterIndex }),
    });
    if (master === null) this.#leaveMaster(link.index);
    if (newName !== undefined) this.#rename(link, newName);
    if (there !== this) this.#move(link.index, there);
    else if (up === true && !link.up) this.#connectRoutes(newName ?? name);
    else if (up === false) this.#routes = this.#routes.filter((each) => each.dev !== (newName ?? name));
    return undefined;
  }

  #leaveMaster(index: number): void {
    this.#links = this.#links.map((link) => {
      const { masterIndex, ...free } = link;
      return link.index === index && masterIndex !== undefined ? free : link;
    });
  }

  #rename(link: Link, newName: string): void {
    this.#replaceLink(link, { name: newName });
    const renamed = <T extends { readonly dev?: string }>(each: T): T =>
      each.dev === link.name ? { ...each, dev: newName } : each;
    this.#addresses = this.#addresses.map(renamed);
    this.#routes = this.#routes.map(renamed);
    this.#neighbours = this.#neighbours.map(renamed);
  }

  #move(index: number, there: FakeNamespace): void {
    const link = this.#links.find((each) => each.index === index);
    if (link === undefined) return;
    this.#drop(link);
    const { index: _, ...fields } = link;
    const moved = there.addLink({ ...fields, up: false, carrier: false });
    const peer = link.kind === 'veth' ? this.#peerOf(link) : undefined;
    if (peer !== undefined) peer.namespace.#joinVeth(peer.link, moved, there);
  }

  #deleteLink(name: string): Errno | undefined {
    const link = this.link(name);
    if (link === undefined) return 'ENODEV';
    this.#drop(link);
    if (link.kind !== 'veth') return undefined;
    const peer = this.#peerOf(link);
    if (peer !== undefined) peer.namespace.#drop(peer.link);
    return undefined;
  }

  #peerOf(veth: Link): { namespace: FakeNamespace; link: Link } | undefined {
    const namespace = this.#peerNamespace(veth.linkNetnsId);
    const link = namespace?.links().find((each) => each.index === veth.linkIndex);
    return namespace === undefined || link === undefined ? undefined : { namespace, link };
  }

  /** A link leaves with all that stood on it. */
  #drop({ index, name }: Link): void {
    this.#links = this.#links.filter((each) => each.index !== index);
    this.#addresses = this.#addresses.filter((each) => each.dev !== name);
    this.#routes = this.#routes.filter((each) => each.dev !== name);
    this.#neighbours = this.#neighbours.filter((each) => each.dev !== name);
  }

  #changeAddress(verb: 'create' | 'replace' | 'delete', address: InterfaceAddress): Errno | undefined {
    const link = this.link(address.dev);
    if (link === undefined) return 'ENODEV';
    const same = (each: InterfaceAddress) =>
      each.dev === address.dev && formatCidr(each.address) === formatCidr(address.address);
    const existing = this.#addresses.some(same);
    if (verb === 'delete' && !existing) return 'EADDRNOTAVAIL';
    if (verb === 'create' && existing) return 'EEXIST';
    this.#addresses = this.#addresses.filter((each) => !same(each));
    if (verb === 'delete') {
      const connected = connectedRoute(address);
      this.#routes = this.#routes.filter((each) => connected === undefined || !sameRoute(each, connected));
    } else {
      this.#addresses.push(address);
      if (link.up) this.#connectRoutes(address.dev);
    }
    return undefined;
  }

  /** The connected routes that addresses bring when their link is up. */
  #connectRoutes(dev: string): void {
    for (const address of this.addresses({ dev })) {
      const route = connectedRoute(address);
      if (route !== undefined && !this.#routes.some((each) => sameRoute(each, route)))
        this.#routes.push(route);
    }
  }

  #changeRoute(verb: 'create' | 'replace' | 'delete', wanted: Route): Errno | undefined {
    const devs = [wanted.dev, ...(wanted.nextHops ?? []).map((hop) => hop.dev)].filter(
      (dev) => dev !== undefined,
    );
    if (devs.some((dev) => this.link(dev) === undefined)) return 'ENODEV';
    const route = routeAsKept(wanted);
    if (verb === 'delete') {
      const found = this.#routes.find((each) => routeMatches(wanted, each));
      if (found === undefined) return 'ESRCH';
      this.#routes = this.#routes.filter((each) => each !== found);
      return undefined;
    }
    const existing = this.#routes.find((each) => routeKey(each) === routeKey(route));
    if (verb === 'create' && existing !== undefined) return 'EEXIST';
    this.#routes = this.#routes.filter((each) => each !== existing);
    this.#routes.push(route);
    return undefined;
  }

  #changeRule(verb: 'create' | 'delete', rule: Rule): Errno | undefined {
    const existing = this.#rules.find((each) => ruleKey(each) === ruleKey(rule));
    if (verb === 'delete') {
      if (existing === undefined) return 'ENOENT';
      this.#rules = this.#rules.filter((each) => each !== existing);
      return undefined;
    }
    if (existing !== undefined) return 'EEXIST';
    this.#rules.push(rule);
    return undefined;
  }

  #changeNeighbour(verb: 'create' | 'replace' | 'delete', neighbour: Neighbour): Errno | undefined {
    if (this.link(neighbour.dev) === undefined) return 'ENODEV';
    const same = (each: Neighbour) =>
      each.dev === neighbour.dev && sameAddress(each.address, neighbour.address);
    const existing = this.#neighbours.some(same);
    if (verb === 'delete' && !existing) return 'ENOENT';
    if (verb === 'create' && existing) return 'EEXIST';
    this.#neighbours = this.#neighbours.filter((each) => !same(each));
    if (verb !== 'delete') this.#neighbours.push(neighbour);
    return undefined;
  }

  sysctl(key: string): string | undefined {
    return this.sysctls.get(key);
  }

  setSysctl(key: string, value: string): void {
    if (this.sysctls.has(key)) {
      this.sysctls.set(key, value);
      return;
    }
    const subject = `sysctl ${key}`;
    throw refusal({ doing: `set ${subject} to ${value}`, subject, errno: 'ENOENT', words: words.ENOENT });
  }

  nft(commands: string): void {
    this.nftCommands.push(commands);
  }

  nftTable(family: string, table: string): unknown {
    return this.nftTables.get(`${family} ${table}`);
  }

  close(): void {}
}

function sameRoute(a: Route, b: Route): boolean {
  return routeKey(a) === routeKey(b) && a.dev === b.dev && a.protocol === b.protocol;
}

function matches(filter: DumpFilter, family: Family, dev: string | undefined): boolean {
  return (
    (filter.family === undefined || filter.family === family) &&
    (filter.dev === undefined || filter.dev === dev)
  );
}

/** What a specification and a link have in common. */
function linkFields({
  mac,
  mtuBytes,
  txQueueLength,
}: Pick<LinkSpec, 'mac' | 'mtuBytes' | 'txQueueLength'>): Partial<Link> {
  return {
    ...(mac === undefined ? {} : { mac }),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    ...(txQueueLength === undefined ? {} : { txQueueLength }),
  };
}
