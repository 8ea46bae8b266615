// The event loop sees what happens in a namespace: rtnetlink events, and frames on an interface.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, formatCidr, parseAddress, parseCidr } from '#ip';
import type { NetworkNamespace } from '#net';
import {
  arpAnnouncement,
  arpProbe,
  createNetns,
  decodeArp,
  decodeNeighbourMessage,
  duplicateProbe,
  makeNetns,
  monitorNetns,
  multicastMac,
  type NetnsHandle,
  type NetworkEvent,
  openNamespace,
  openNamespaceOf,
  openNetns,
  PacketSocket,
  primeThreads,
  removeNetns,
  solicitedNode,
  unsolicitedAdvertisement,
} from './index.ts';

const path = `/run/netns/ow-events-${process.pid}`;
const [nearMac, farMac] = ['0a:00:00:00:00:01', '0a:00:00:00:00:02'];

/** Waits for something that events bring about, and does `again` until then: a link that just came up loses frames. */
async function until<T>(look: () => T | undefined, again: () => void = () => {}): Promise<T> {
  for (let i = 0; i < 500; i++) {
    again();
    await new Promise((resolve) => setTimeout(resolve, 10));
    const found = look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen');
}

describe('events of a namespace', () => {
  let netns: NetnsHandle;
  let far: NetworkNamespace;
  let farHandle: NetnsHandle;
  let namespace: NetworkNamespace;

  before(primeThreads);
  beforeEach(() => {
    netns = createNetns(path);
    namespace = openNamespace(path);
    farHandle = makeNetns();
    far = openNamespaceOf(farHandle);
    const peer = { name: 'far', mac: farMac, netnsFd: far.fd };
    const link = { name: 'near', mac: nearMac, up: true, type: { kind: 'veth', peer } } as const;
    namespace.change([{ verb: 'create', kind: 'link', link }]);
    for (const [each, dev] of [
      [namespace, 'near'],
      [far, 'far'],
    ] as const) {
      each.setSysctl(`ipv6/conf/${dev}/accept_dad`, '0');
      each.change([{ verb: 'set', kind: 'link', link: { name: dev, up: true } }]);
    }
  });
  afterEach(() => {
    namespace.close();
    far.close();
    netns.close();
    removeNetns(path);
  });

  test('each kind of object causes an event when it comes and when it goes', async (t) => {
    const events: NetworkEvent[] = [];
    const monitor = monitorNetns(netns, ['link', 'address', 'route', 'rule', 'neighbour'], (event) =>
      events.push(event),
    );
    t.after(() => monitor.close());
    const name = path.replace('/run/netns/', '');
    const objects = [
      ['addr', '10.6.0.1/16', 'dev', 'near'],
      ['rule', 'pref', '1000', 'table', '100'],
      ['neigh', '10.6.0.9', 'dev', 'near', 'lladdr', farMac],
    ];
    for (const [kind = '', ...words] of objects) execFileSync('ip', ['-n', name, kind, 'add', ...words]);
    for (const [kind = '', ...words] of objects.reverse())
      execFileSync('ip', ['-n', name, kind, 'del', ...words]);
    execFileSync('ip', ['-n', name, 'link', 'del', 'near']);
    await until(() => events.find((event) => event.kind === 'link' && event.gone));
    const seen = (kind: NetworkEvent['kind'], gone: boolean) =>
      events.some((event) => event.kind === kind && 'gone' in event && event.gone === gone);
    for (const kind of ['link', 'address', 'route', 'rule', 'neighbour'] as const) {
      if (kind !== 'link') assert.ok(seen(kind, false), `${kind} made`);
      assert.ok(seen(kind, true), `${kind} gone`);
    }
    const addresses = events.filter((event) => event.kind === 'address');
    const words = addresses.map(({ address }) => `${formatCidr(address.address)} ${address.dev}`);
    assert.ok(words.includes('10.6.0.1/16 near'), words.join(', '));
  });

  test('only the requested events arrive', async (t) => {
    const events: NetworkEvent[] = [];
    const monitor = monitorNetns(netns, ['rule'], (event) => events.push(event));
    t.after(() => monitor.close());
    namespace.change([
      { verb: 'set', kind: 'link', link: { name: 'near', mtuBytes: 1400 } },
      { verb: 'create', kind: 'rule', rule: { family: 4, priority: 7, table: 7, protocol: 79 } },
    ]);
    await until(() => events[0]);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['rule'],
    );
  });

  test('an overrun of events requests a resync, and the monitor goes on', async (t) => {
    const events: NetworkEvent[] = [];
    const monitor = monitorNetns(netns, ['rule'], (event) => events.push(event));
    t.after(() => monitor.close());
    const rule = (priority: number) => ({ family: 4, priority, table: 7, protocol: 79 }) as const;
    // All in one turn of the event loop, which cannot read meanwhile.
    for (let i = 0; i < 40; i++) {
      const rules = Array.from({ length: 200 }, (_, n) => rule(10 + n));
      namespace.change(rules.map((each) => ({ verb: 'create', kind: 'rule', rule: each }) as const));
      namespace.change(rules.map((each) => ({ verb: 'delete', kind: 'rule', rule: each }) as const));
    }
    await until(() => events.find((event) => event.kind === 'resync'));
    namespace.change([{ verb: 'create', kind: 'rule', rule: rule(9999) }]);
    await until(() => events.find((event) => event.kind === 'rule' && event.rule.priority === 9999));
  });

  test('a link that came while events were lost has its name afterwards', async (t) => {
    const events: NetworkEvent[] = [];
    const monitor = monitorNetns(netns, ['rule', 'address'], (event) => events.push(event));
    t.after(() => monitor.close());
    const rule = { family: 4, priority: 7, table: 7, protocol: 79 } as const;
    for (let i = 0; i < 40; i++) {
      const rules = Array.from({ length: 200 }, (_, n) => ({ ...rule, priority: 10 + n }));
      namespace.change(rules.map((each) => ({ verb: 'create', kind: 'rule', rule: each }) as const));
      namespace.change(rules.map((each) => ({ verb: 'delete', kind: 'rule', rule: each }) as const));
    }
    const peer = { name: 'late1' };
    namespace.change([
      { verb: 'create', kind: 'link', link: { name: 'late0', type: { kind: 'veth', peer } } },
    ]);
    await until(() => events.find((event) => event.kind === 'resync'));
    const address = { dev: 'late0', address: parseCidr('10.8.0.1/16'), scope: 'global' } as const;
    namespace.change([{ verb: 'create', kind: 'address', address }]);
    // The other link's link-local address may be told of meanwhile: when it is found to be free.
    const told = await until(() =>
      events.find((event) => event.kind === 'address' && event.address.address.address.family === 4),
    );
    assert.equal(told.kind === 'address' && told.address.dev, 'late0');
  });

  test('a promise that an event resolves continues at once', async (t) => {
    const { promise, resolve } = Promise.withResolvers<NetworkEvent>();
    const monitor = monitorNetns(netns, ['rule'], resolve);
    t.after(() => monitor.close());
    namespace.change([
      { verb: 'create', kind: 'rule', rule: { family: 4, priority: 7, table: 7, protocol: 79 } },
    ]);
    assert.equal((await promise).kind, 'rule');
  });

  test('the owner of an address answers an ARP probe', async (t) => {
    far.change([
      {
        verb: 'create',
        kind: 'address',
        address: { dev: 'far', address: parseCidr('10.6.0.2/16'), scope: 'global' },
      },
    ]);
    const frames: Uint8Array[] = [];
    const socket = new PacketSocket({ netns, dev: 'near', protocol: 'arp' });
    t.after(() => socket.close());
    socket.listen({ frame: (bytes) => frames.push(bytes), error: (error) => assert.fail(String(error)) });
    const answer = await until(
      () => frames.map(decodeArp).find((packet) => packet?.operation === 'reply'),
      () => socket.send(arpProbe(nearMac, parseAddress('10.6.0.2'))),
    );
    assert.deepEqual([answer.senderMac, formatAddress(answer.senderAddress)], [farMac, '10.6.0.2']);
  });

  test('an ARP announcement corrects the cache of a neighbour', async (t) => {
    const stale = {
      dev: 'far',
      address: parseAddress('10.6.0.1'),
      mac: '0a:00:00:00:00:99',
      state: 'stale',
    } as const;
    far.change([
      {
        verb: 'create',
        kind: 'address',
        address: { dev: 'far', address: parseCidr('10.6.0.2/16'), scope: 'global' },
      },
      { verb: 'create', kind: 'neighbour', neighbour: stale },
    ]);
    const socket = new PacketSocket({ netns, dev: 'near', protocol: 'arp' });
    t.after(() => socket.close());
    await until(
      () => far.neighbours({ dev: 'far', family: 4 }).find(({ mac }) => mac === nearMac),
      () => socket.send(arpAnnouncement(nearMac, parseAddress('10.6.0.1'))),
    );
  });

  test('only the solicitation of duplicate address detection is answered', async (t) => {
    const target = parseAddress('fd00::2');
    far.change([
      {
        verb: 'create',
        kind: 'address',
        address: { dev: 'far', address: parseCidr('fd00::2/64'), scope: 'global', noDad: true },
      },
    ]);
    const frames: Uint8Array[] = [];
    const socket = new PacketSocket({ netns, dev: 'near', protocol: 'nd' });
    t.after(() => socket.close());
    socket.joinMulticast(multicastMac(solicitedNode(target)));
    socket.listen({ frame: (bytes) => frames.push(bytes), error: (error) => assert.fail(String(error)) });
    const answer = await until(
      () => frames.map(decodeNeighbourMessage).find((message) => message?.kind === 'advertisement'),
      () => socket.send(duplicateProbe(nearMac, target)),
    );
    assert.deepEqual([formatAddress(answer.target), answer.mac], ['fd00::2', farMac]);
    assert.ok(frames.every((frame) => decodeNeighbourMessage(frame) !== undefined));
  });

  test('an unsolicited advertisement corrects the cache of a neighbour', async (t) => {
    const address = parseAddress('fd00::1');
    const stale = { dev: 'far', address, mac: '0a:00:00:00:00:99', state: 'stale' } as const;
    far.change([
      {
        verb: 'create',
        kind: 'address',
        address: { dev: 'far', address: parseCidr('fd00::2/64'), scope: 'global', noDad: true },
      },
      { verb: 'create', kind: 'neighbour', neighbour: stale },
    ]);
    const socket = new PacketSocket({ netns, dev: 'near', protocol: 'nd' });
    t.after(() => socket.close());
    await until(
      () => far.neighbours({ dev: 'far', family: 6 }).find(({ mac }) => mac === nearMac),
      () => socket.send(unsolicitedAdvertisement(nearMac, address)),
    );
  });

  test('an interface that goes down causes ENETDOWN, and frames arrive again when it is up', async (t) => {
    far.change([
      {
        verb: 'create',
        kind: 'address',
        address: { dev: 'far', address: parseCidr('10.6.0.2/16'), scope: 'global' },
      },
    ]);
    const errors: unknown[] = [];
    const frames: Uint8Array[] = [];
    const socket = new PacketSocket({ netns, dev: 'near', protocol: 'arp' });
    t.after(() => socket.close());
    socket.listen({ frame: (bytes) => frames.push(bytes), error: (error) => errors.push(error) });
    namespace.change([{ verb: 'set', kind: 'link', link: { name: 'near', up: false } }]);
    const error = await until(() => errors[0]);
    assert.match(String((error as { said?: string }).said), /^ENETDOWN/);
    namespace.change([{ verb: 'set', kind: 'link', link: { name: 'near', up: true } }]);
    await until(
      () => frames[0],
      () => socket.send(arpProbe(nearMac, parseAddress('10.6.0.2'))),
    );
  });

  test('monitors and packet sockets leak no descriptor', async () => {
    const used = () => readdirSync('/proc/self/fd').length;
    const before = used();
    for (let i = 0; i < 50; i++) {
      monitorNetns(netns, ['link'], () => {}).close();
      const socket = new PacketSocket({ netns, dev: 'near', protocol: 'nd' });
      socket.listen({ frame: () => {}, error: () => {} });
      socket.close();
      openNetns(path).close();
    }
    assert.throws(() => new PacketSocket({ netns, dev: 'none', protocol: 'arp' }), { said: /^ENODEV/ });
    // Packet sockets are closed on another thread, each in its own time.
    for (let i = 0; i < 500 && used() > before; i++) await sleep(10);
    // Fewer may be left: the sockets of the test before this one were perhaps still closing when it began.
    assert.ok(used() <= before, `${used()} descriptors, and ${before} before`);
  });
});
