// What a NetworkNamespace must do: one suite for the fake and for real namespaces. For tests only.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { formatCidr, parseAddress, parseCidr } from '#ip';
import {
  errnoOf,
  type InterfaceAddress,
  type Link,
  MAIN_TABLE,
  type NetworkChange,
  type NetworkNamespace,
  ROUTE_PROTOCOL,
  type Route,
  type Rule,
} from '#net';

/** Two new, empty namespaces. */
export interface NamespacePair {
  readonly one: NetworkNamespace;
  readonly other: NetworkNamespace;
}

/** Declares the tests; `open` is called before each. */
export function namespaceCompliance(
  open: () => NamespacePair,
  close: (pair: NamespacePair) => void = () => {},
): void {
  let pair: NamespacePair;
  beforeEach(() => {
    pair = open();
  });
  afterEach(() => close(pair));

  linkTests(() => pair);
  addressTests(() => pair);
  routeTests(() => pair);
  ruleAndNeighbourTests(() => pair);
}

const nearMac = '0a:00:00:00:00:01';
const farMac = '0a:00:00:00:00:02';

function veth(other: NetworkNamespace): NetworkChange {
  const peer = { name: 'far', mac: farMac, netnsFd: other.fd };
  const link = {
    name: 'near',
    mac: nearMac,
    txQueueLength: 0,
    up: true,
    type: { kind: 'veth', peer },
  } as const;
  return { verb: 'create', kind: 'link', link };
}

function address(text: string, dev = 'near'): InterfaceAddress {
  return { dev, address: parseCidr(text), scope: 'global', noDad: true };
}

function route(destination: string, more: Partial<Route> = {}): Route {
  const family = parseCidr(destination).address.family;
  const scope = family === 4 ? 'link' : 'global';
  const common = { table: 100, type: 'unicast', scope, protocol: ROUTE_PROTOCOL, dev: 'near' } as const;
  return { destination: parseCidr(destination), ...common, ...more };
}

function errnoOfChange(namespace: NetworkNamespace, ...changes: NetworkChange[]): string | undefined {
  try {
    namespace.change(changes);
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

function linkTests(pair: () => NamespacePair): void {
  void test('a new namespace has only lo, and it is down', () => {
    assert.deepEqual(
      pair()
        .one.links()
        .map(({ name, up }) => ({ name, up })),
      [{ name: 'lo', up: false }],
    );
  });

  void test('a veth reaches into another namespace, and each end has its MAC address', () => {
    const { one, other } = pair();
    one.change([veth(other), { verb: 'set', kind: 'link', link: { name: 'near', alias: 'of pod a' } }]);
    other.change([{ verb: 'set', kind: 'link', link: { name: 'far', up: true } }]);
    const near = one.link('near');
    const far = other.link('far');
    assert.ok(near !== undefined && far !== undefined);
    const shown = ({ mac, kind, up, linkIndex }: Link) => ({ mac, kind, up, linkIndex });
    assert.deepEqual(shown(near), { mac: nearMac, kind: 'veth', up: true, linkIndex: far.index });
    assert.deepEqual(shown(far), { mac: farMac, kind: 'veth', up: true, linkIndex: near.index });
    assert.equal(near.alias, 'of pod a');
    assert.equal(near.txQueueLength, 0);
    assert.notEqual(near.linkNetnsId, undefined);
  });

  void test('a second link of one name is refused with EEXIST, and a missing link with ENODEV', () => {
    const { one, other } = pair();
    one.change([veth(other)]);
    assert.equal(errnoOfChange(one, veth(other)), 'EEXIST');
    assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'link', name: 'none' }), 'ENODEV');
    assert.equal(
      errnoOfChange(one, { verb: 'set', kind: 'link', link: { name: 'none', up: true } }),
      'ENODEV',
    );
    assert.equal(one.link('none'), undefined);
  });

  for (const [how, remove] of [
    ['in a batch', async (from) => from.change([{ verb: 'delete', kind: 'link', name: 'near' }])],
    ['while others are served', (from) => from.deleteLink('near')],
  ] as const satisfies [string, (from: NetworkNamespace) => Promise<void>][]) {
    void test(`a veth deleted ${how} takes its other end, addresses, routes and neighbours with it`, async () => {
      const { one, other } = pair();
      const neighbour = {
        dev: 'near',
        address: parseAddress('10.6.0.9'),
        mac: farMac,
        state: 'permanent',
      } as const;
      one.change([
        veth(other),
        { verb: 'create', kind: 'address', address: address('10.6.0.1/24') },
        { verb: 'create', kind: 'route', route: route('10.9.0.0/16') },
        { verb: 'create', kind: 'neighbour', neighbour },
      ]);
      await remove(one);
      assert.deepEqual([one.link('near'), other.link('far')], [undefined, undefined]);
      assert.deepEqual([one.addresses({ family: 4 }), one.routes({ table: 100 })], [[], []]);
      assert.deepEqual(one.neighbours({ dev: 'near' }), []);
      await assert.rejects(remove(one), (error) => errnoOf(error) === 'ENODEV');
    });
  }

  void test('one batch renames a link and uses its new name', () => {
    const { one, other } = pair();
    one.change([
      veth(other),
      { verb: 'set', kind: 'link', link: { name: 'near', up: false } },
      { verb: 'set', kind: 'link', link: { name: 'near', newName: 'eth0', up: true } },
      { verb: 'create', kind: 'address', address: address('10.6.0.1/24', 'eth0') },
    ]);
    assert.equal(one.link('near'), undefined);
    assert.deepEqual(
      one.addresses({ dev: 'eth0', family: 4 }).map(({ dev }) => dev),
      ['eth0'],
    );
  });

  void test('a link that moves to another namespace leaves this one', () => {
    const { one, other } = pair();
    one.change([veth(other), { verb: 'set', kind: 'link', link: { name: 'near', netnsFd: other.fd } }]);
    assert.equal(one.link('near'), undefined);
    assert.equal(other.link('near')?.up, false);
  });

  void test('a link becomes the port of a bridge and leaves it', () => {
    const { one, other } = pair();
    one.change([
      { verb: 'create', kind: 'link', link: { name: 'lan', type: { kind: 'bridge' }, up: true } },
      veth(other),
      { verb: 'set', kind: 'link', link: { name: 'near', master: 'lan' } },
    ]);
    assert.equal(one.link('near')?.masterIndex, one.link('lan')?.index);
    one.change([{ verb: 'set', kind: 'link', link: { name: 'near', master: null } }]);
    assert.equal(one.link('near')?.masterIndex, undefined);
  });

  void test('every change of a batch is tried, and the first refusal is reported', () => {
    const { one, other } = pair();
    const changes: NetworkChange[] = [
      veth(other),
      { verb: 'delete', kind: 'route', route: route('10.1.0.0/16') },
      { verb: 'delete', kind: 'link', name: 'none' },
      { verb: 'create', kind: 'route', route: route('10.9.0.0/16') },
    ];
    assert.equal(errnoOfChange(one, ...changes), 'ESRCH');
    assert.equal(one.routes({ table: 100, family: 4 }).length, 1);
  });
}

function addressTests(pair: () => NamespacePair): void {
  void test('an address on a link that is up adds the route to its network, and removes it again', () => {
    const { one, other } = pair();
    const added = address('10.6.212.101/16');
    one.change([veth(other), { verb: 'create', kind: 'address', address: added }]);
    const connected = one.routes({ family: 4, table: MAIN_TABLE });
    assert.deepEqual(
      connected.map(({ destination, dev, scope, source }) => [formatCidr(destination), dev, scope, source]),
      [['10.6.0.0/16', 'near', 'link', added.address.address]],
    );
    one.change([{ verb: 'delete', kind: 'address', address: added }]);
    assert.deepEqual(one.routes({ family: 4, table: MAIN_TABLE }), []);
  });

  void test('an address with the flag noprefixroute adds no route', () => {
    const { one, other } = pair();
    const quiet = { ...address('10.6.212.101/16'), noPrefixRoute: true };
    one.change([veth(other), { verb: 'create', kind: 'address', address: quiet }]);
    assert.deepEqual(one.routes({ family: 4, table: MAIN_TABLE }), []);
    assert.equal(one.addresses({ family: 4 })[0]?.noPrefixRoute, true);
  });

  void test('a second equal address is refused with EEXIST, a missing one with EADDRNOTAVAIL, and replace accepts both', () => {
    const { one, other } = pair();
    const added = address('fd00::5/64');
    one.change([veth(other), { verb: 'create', kind: 'address', address: added }]);
    assert.equal(errnoOfChange(one, { verb: 'create', kind: 'address', address: added }), 'EEXIST');
    one.change([{ verb: 'replace', kind: 'address', address: added }]);
    one.change([{ verb: 'delete', kind: 'address', address: added }]);
    assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'address', address: added }), 'EADDRNOTAVAIL');
    assert.equal(
      errnoOfChange(one, { verb: 'create', kind: 'address', address: address('10.0.0.1/8', 'none') }),
      'ENODEV',
    );
  });
}

function routeTests(pair: () => NamespacePair): void {
  for (const [destination, replaced] of [
    ['10.9.0.0/16', 1400],
    ['fd09::/32', 1400],
  ] as const) {
    void test(`a route to ${destination}: a second one is refused with EEXIST, replace works, a missing one gives ESRCH`, () => {
      const { one, other } = pair();
      const made = route(destination);
      one.change([veth(other), { verb: 'create', kind: 'route', route: made }]);
      assert.equal(errnoOfChange(one, { verb: 'create', kind: 'route', route: made }), 'EEXIST');
      one.change([{ verb: 'replace', kind: 'route', route: { ...made, mtuBytes: replaced } }]);
      const [kept, ...more] = one.routes({ table: 100 });
      assert.deepEqual([kept?.mtuBytes, kept?.protocol, more], [replaced, ROUTE_PROTOCOL, []]);
      one.change([{ verb: 'delete', kind: 'route', route: made }]);
      assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'route', route: made }), 'ESRCH');
    });
  }

  void test('a table that never had a route is empty', () => {
    assert.deepEqual(pair().one.routes({ table: 4711 }), []);
  });

  void test('an IPv6 route without a metric gets metric 1024', () => {
    const { one, other } = pair();
    one.change([veth(other), { verb: 'create', kind: 'route', route: route('fd09::/32') }]);
    assert.equal(one.routes({ table: 100 })[0]?.metric, 1024);
  });

  void test('dumps can be limited to a link and to a family', () => {
    const { one, other } = pair();
    one.change([
      veth(other),
      { verb: 'set', kind: 'link', link: { name: 'lo', up: true } },
      { verb: 'create', kind: 'route', route: route('10.9.0.0/16') },
      { verb: 'create', kind: 'route', route: route('10.8.0.0/16', { dev: 'lo' }) },
      { verb: 'create', kind: 'route', route: route('fd09::/32') },
    ]);
    const destinations = (routes: Route[]) => routes.map((each) => formatCidr(each.destination)).sort();
    assert.deepEqual(destinations(one.routes({ table: 100, dev: 'near' })), ['10.9.0.0/16', 'fd09::/32']);
    assert.deepEqual(destinations(one.routes({ table: 100, family: 4 })), ['10.8.0.0/16', '10.9.0.0/16']);
    assert.deepEqual(one.routes({ dev: 'none' }), []);
  });
}

function ruleAndNeighbourTests(pair: () => NamespacePair): void {
  const rule: Rule = {
    family: 4,
    priority: 1000,
    table: 100,
    protocol: ROUTE_PROTOCOL,
    from: parseCidr('10.6.0.1/32'),
  };

  void test('a new namespace looks up routes in the tables local, main and default', () => {
    const tables = (family: 4 | 6) =>
      pair()
        .one.rules(family)
        .map(({ priority, table }) => [priority, table]);
    assert.deepEqual(tables(4), [
      [0, 255],
      [32766, 254],
      [32767, 253],
    ]);
    assert.deepEqual(tables(6), [
      [0, 255],
      [32766, 254],
    ]);
  });

  void test('a rule is identified by all its selectors: a second one gives EEXIST, a missing one ENOENT', () => {
    const { one } = pair();
    const marked = { ...rule, mark: { value: 1, mask: 0xff } };
    one.change([
      { verb: 'create', kind: 'rule', rule },
      { verb: 'create', kind: 'rule', rule: marked },
    ]);
    assert.equal(errnoOfChange(one, { verb: 'create', kind: 'rule', rule: marked }), 'EEXIST');
    one.change([{ verb: 'delete', kind: 'rule', rule: marked }]);
    assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'rule', rule: marked }), 'ENOENT');
    assert.deepEqual(
      one.rules(4).filter((each) => each.protocol === ROUTE_PROTOCOL),
      [rule],
    );
  });

  void test('a neighbour: a second one is refused with EEXIST, replace works, a missing one gives ENOENT', () => {
    const { one, other } = pair();
    const common = { dev: 'near', state: 'permanent', protocol: ROUTE_PROTOCOL } as const;
    const neighbour = { ...common, address: parseAddress('10.6.0.9'), mac: farMac };
    one.change([veth(other), { verb: 'create', kind: 'neighbour', neighbour }]);
    assert.equal(errnoOfChange(one, { verb: 'create', kind: 'neighbour', neighbour }), 'EEXIST');
    const replaced = { ...neighbour, mac: nearMac };
    one.change([{ verb: 'replace', kind: 'neighbour', neighbour: replaced }]);
    assert.deepEqual(one.neighbours({ dev: 'near', family: 4 }), [replaced]);
    one.change([{ verb: 'delete', kind: 'neighbour', neighbour }]);
    assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'neighbour', neighbour }), 'ENOENT');
  });

  void test('proxies of both families are no neighbours, keep their maker, and go when their link goes down', () => {
    const { one, other } = pair();
    const proxies = ['10.6.0.9', 'fd00::9'].map((text) => ({ dev: 'near', address: parseAddress(text) }));
    const [first = assert.fail(), second = assert.fail()] = proxies;
    const ours = proxies.map((proxy) => ({ ...proxy, protocol: ROUTE_PROTOCOL }));
    const up: NetworkChange = { verb: 'set', kind: 'link', link: { name: 'near', up: true } };
    one.change([
      veth(other),
      up,
      ...ours.map((proxy): NetworkChange => ({ verb: 'create', kind: 'proxy', proxy })),
    ]);
    one.change([{ verb: 'create', kind: 'proxy', proxy: first }]);
    assert.deepEqual([...one.proxies({ family: 4 }), ...one.proxies({ family: 6 })], ours);
    assert.equal(one.proxies().length, ours.length);
    assert.deepEqual(one.proxies({ dev: 'near', family: 6 }), ours.slice(1));
    assert.deepEqual([one.proxies({ dev: 'lo' }), one.proxies({ dev: 'nowhere' })], [[], []]);
    assert.deepEqual(one.neighbours({ dev: 'near', family: 4 }), []);
    one.change([{ verb: 'delete', kind: 'proxy', proxy: first }]);
    assert.equal(errnoOfChange(one, { verb: 'delete', kind: 'proxy', proxy: first }), 'ENOENT');
    assert.deepEqual(one.proxies(), [{ ...second, protocol: ROUTE_PROTOCOL }]);
    one.change([{ verb: 'set', kind: 'link', link: { name: 'near', up: false } }]);
    assert.deepEqual(one.proxies(), []);
  });
}
