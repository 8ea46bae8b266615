// The tables of a fake namespace: addresses, routes, rules and neighbours. Links add objects to them and remove objects
// from them.

import { type Address, cidrContains, type Family, sameAddress, sameCidr } from '#ip';
import type { DumpFilter } from '../namespace.ts';
import {
  type InterfaceAddress,
  type Link,
  LOCAL_TABLE,
  MAIN_TABLE,
  type Neighbour,
  type ProxyNeighbour,
  type Route,
  RTPROT,
  type Rule,
} from '../objects.ts';
import { connectedRoute, routeAsKept, routeKey, routeMatches, ruleKey } from '../sameness.ts';
import type { Errno } from './fake-errno.ts';

type Verb = 'create' | 'replace' | 'delete';

/** A change returns the kernel's error, or undefined if the kernel accepts it. */
export class FakeTables {
  readonly #link: (name: string) => Link | undefined;
  #addresses: InterfaceAddress[] = [];
  #routes: Route[] = [];
  #rules: Rule[] = rulesOfNewNamespace();
  #neighbours: Neighbour[] = [];
  #proxies: ProxyNeighbour[] = [];

  /** `link` finds the links of the same namespace. */
  constructor(link: (name: string) => Link | undefined) {
    this.#link = link;
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

  proxies(filter: DumpFilter = {}): ProxyNeighbour[] {
    return this.#proxies.filter((each) => matches(filter, each.address.family, each.dev));
  }

  /** The longest match in main. Rules are ignored. */
  routeTo(destination: Address): Route | undefined {
    const fitting = this.routes({ table: MAIN_TABLE }).filter((each) =>
      cidrContains(each.destination, destination),
    );
    return fitting.sort((a, b) => b.destination.prefixLength - a.destination.prefixLength)[0];
  }

  /** Adds the connected routes of the link's addresses. */
  linkUp(dev: string): void {
    for (const address of this.addresses({ dev })) {
      const route = connectedRoute(address);
      if (route !== undefined && !this.#routes.some((each) => sameRoute(each, route)))
        this.#routes.push(route);
    }
  }

  linkDown(dev: string): void {
    this.#routes = this.#routes.filter((each) => each.dev !== dev);
    this.#proxies = this.#proxies.filter((each) => each.dev !== dev);
  }

  /** Deletes everything on the link. */
  linkGone(dev: string): void {
    this.linkDown(dev);
    this.#addresses = this.#addresses.filter((each) => each.dev !== dev);
    this.#neighbours = this.#neighbours.filter((each) => each.dev !== dev);
  }

  linkRenamed(from: string, to: string): void {
    const renamed = <T extends { readonly dev?: string }>(each: T): T =>
      each.dev === from ? { ...each, dev: to } : each;
    this.#addresses = this.#addresses.map(renamed);
    this.#routes = this.#routes.map(renamed);
    this.#neighbours = this.#neighbours.map(renamed);
    this.#proxies = this.#proxies.map(renamed);
  }

  changeAddress(verb: Verb, address: InterfaceAddress): Errno | undefined {
    const link = this.#link(address.dev);
    if (link === undefined) return 'ENODEV';
    const same = (each: InterfaceAddress) =>
      each.dev === address.dev && sameCidr(each.address, address.address);
    const existing = this.#addresses.some(same);
    if (verb === 'delete' && !existing) return 'EADDRNOTAVAIL';
    if (verb === 'create' && existing) return 'EEXIST';
    this.#addresses = this.#addresses.filter((each) => !same(each));
    if (verb === 'delete') {
      const connected = connectedRoute(address);
      this.#routes = this.#routes.filter((each) => connected === undefined || !sameRoute(each, connected));
    } else {
      this.#addresses.push(address);
      if (link.up) this.linkUp(address.dev);
    }
    return undefined;
  }

  changeRoute(verb: Verb, wanted: Route): Errno | undefined {
    const devs = [wanted.dev, ...(wanted.nextHops ?? []).map((hop) => hop.dev)].filter(
      (dev) => dev !== undefined,
    );
    if (devs.some((dev) => this.#link(dev) === undefined)) return 'ENODEV';
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

  changeRule(verb: 'create' | 'delete', rule: Rule): Errno | undefined {
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

  changeProxy(verb: 'create' | 'delete', proxy: ProxyNeighbour): Errno | undefined {
    if (this.#link(proxy.dev) === undefined) return 'ENODEV';
    const same = (each: ProxyNeighbour) => each.dev === proxy.dev && sameAddress(each.address, proxy.address);
    const existing = this.#proxies.find(same);
    if (verb === 'delete' && existing === undefined) return 'ENOENT';
    this.#proxies = this.#proxies.filter((each) => !same(each));
    if (verb === 'create') this.#proxies.push({ ...existing, ...proxy });
    return undefined;
  }

  changeNeighbour(verb: Verb, neighbour: Neighbour): Errno | undefined {
    if (this.#link(neighbour.dev) === undefined) return 'ENODEV';
    const same = (each: Neighbour) =>
      each.dev === neighbour.dev && sameAddress(each.address, neighbour.address);
    const existing = this.#neighbours.some(same);
    if (verb === 'delete' && !existing) return 'ENOENT';
    if (verb === 'create' && existing) return 'EEXIST';
    this.#neighbours = this.#neighbours.filter((each) => !same(each));
    if (verb !== 'delete') this.#neighbours.push(neighbour);
    return undefined;
  }
}

/** The rules for the tables local, main and default. */
function rulesOfNewNamespace(): Rule[] {
  const both = ([4, 6] as const).flatMap((family) => [
    { family, priority: 0, table: LOCAL_TABLE, protocol: RTPROT.kernel },
    { family, priority: 32766, table: MAIN_TABLE, protocol: RTPROT.kernel },
  ]);
  return [...both, { family: 4, priority: 32767, table: 253, protocol: RTPROT.kernel }];
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
