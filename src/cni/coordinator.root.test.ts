import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { type Pod, parseCniEnvironment, parseNetConf, type SpiderCoordinator } from '#api';
import { silentLogger, systemClock } from '#base';
import { parseAddress } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import type { NetworkNamespace } from '#net';
import { Attachments, MemoryStateFiles } from '#node';
import { type CoordinatorParts, CoordinatorPlugin } from './coordinator.ts';
import type { NetnsCall } from './plugin.ts';
import { ask, CALICO_GATEWAY_6, CLIENT, ip, NODE, RoutedLan, withServer } from './routed-lan-fixture.ts';

// Golden tables G2 to G5 of Spiderpool as the kernel holds them, and packets that take the ways they say.

const containerId = '0123456789abcdef';
const veth = 'veth0123456789a';
const cali = 'cali12345678901';
const ETH0 = { 4: '10.6.168.172', 6: 'fd00:10:6::172' } as const;
const NET1 = { 4: '10.7.168.173', 6: 'fd00:10:7::173' } as const;
const CALICO = '10.233.105.154';
const CALICO6 = 'fd00:ca::154';
const hijacks = {
  overlayPodCIDR: ['10.233.64.0/18'],
  serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'],
};

/** A node with its agent's plugin on real namespaces; gone at the end of the scope. */
class Site implements Disposable {
  readonly lan = new RoutedLan();
  readonly node: NetworkNamespace;
  plugin!: CoordinatorPlugin;
  readonly #files = new MemoryStateFiles();
  readonly #nics = new Map<string, string[]>();
  #asked = 0;

  constructor() {
    this.node = openNamespace(this.lan.path(this.lan.node));
  }

  /** As after a restart of the agent: all that is known is on the disk. */
  async start(): Promise<this> {
    const parts = {
      attachments: await Attachments.open(this.#files, silentLogger),
      detection: {
        conflict: false,
        gateway: false,
        deadlineMs: 300,
        probe: async () => ({ kind: 'free' }),
        conflicted: () => {},
        announce: () => {},
      },
      node: this.node,
      openNamespace,
      pod: async () => ({ metadata: { namespace: 'default', name: 'a', uid: 'uid-a' } }) as Pod,
      spiderCoordinator: () =>
        ({ metadata: { name: 'default' }, status: { phase: 'Synced' } }) as SpiderCoordinator,
      nodeAddresses: () => [parseAddress(NODE[4]), parseAddress(NODE[6])],
      notReady: () => undefined,
      timestamp: () => new Date(1_900_000_000_000 + this.#asked++).toISOString(),
    };
    this.plugin = new CoordinatorPlugin(parts as unknown as CoordinatorParts);
    return this;
  }

  /** eth0 on one LAN, net1 on the other, each with the coordinator behind it. */
  async addUnderlay(families: readonly (4 | 6)[], netConf = {}): Promise<void> {
    await this.addNic('eth0', 6, families, ETH0);
    await this.addNic('net1', 7, families, NET1, netConf);
  }

  async addNic(
    name: string,
    lan: 6 | 7,
    families: readonly (4 | 6)[],
    addresses: Readonly<Record<4 | 6, string>>,
    netConf = {},
  ): Promise<void> {
    const cidrs = families.map((family) => `${addresses[family]}/${family === 4 ? 16 : 64}`);
    const gateways = families.map((family) => (family === 4 ? `10.${lan}.0.1` : `fd00:10:${lan}::1`));
    this.plug(name, lan, cidrs, gateways);
    await this.add(name, netConf);
  }

  /** The NIC alone, without the coordinator behind it. */
  plug(name: string, lan: 6 | 7, cidrs: readonly string[], gateways: readonly string[]): void {
    this.lan.addMacvlan(name, lan === 6 ? 'eth0' : 'eth1', cidrs, gateways);
    this.#nics.set(name, [...cidrs]);
  }

  async add(name: string, netConf = {}) {
    return this.plugin.add(this.call(name, netConf));
  }

  async del(name: string): Promise<void> {
    await this.plugin.del(this.call(name));
  }

  /** As Multus does when an annotation goes: the coordinator's DEL, then the NIC. */
  async unplug(name: string): Promise<void> {
    await this.del(name);
    ip('-n', this.lan.pod, 'link', 'del', name);
  }

  call(name: string, netConf = {}): NetnsCall {
    const netns = this.lan.path(this.lan.pod);
    const ips = (this.#nics.get(name) ?? []).map((address) => ({ address, interface: 0 }));
    const prevResult = { interfaces: [{ name, mac: '', sandbox: netns }], ips };
    const conf = {
      cniVersion: '1.1.0',
      name: 'net',
      type: 'coordinator',
      ...hijacks,
      ...netConf,
      prevResult,
    };
    const environment = parseCniEnvironment({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: containerId,
      CNI_IFNAME: name,
      CNI_NETNS: netns,
      CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a',
    }) as NetnsCall['environment'];
    const parsed = parseNetConf(JSON.stringify(conf));
    return { conf: parsed, environment, netns, signal: new AbortController().signal, log: silentLogger };
  }

  /** All rules, routes and neighbours of both namespaces, but for what the kernel adds by itself, when a link has settled. */
  everything(): string[][] {
    return (['pod', 'node'] as const).flatMap((where) =>
      [
        'rule',
        '-6 rule',
        'route show table all',
        '-6 route show table all',
        'neighbour show nud permanent',
      ].map((line) => this.lan.show(where, line).filter((text) => !text.includes('fe80'))),
    );
  }

  [Symbol.dispose](): void {
    this.node.close();
    this.lan[Symbol.dispose]();
  }
}

before(primeThreads);

describe('underlay, two NICs', () => {
  test('the kernel holds golden table G2, both families', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4, 6]);
    const { lan } = site;
    assert.deepEqual(lan.show('pod', 'rule'), [
      '0: from all lookup local',
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from 10.7.168.173 lookup 101',
      '32766: from all lookup main',
      '32767: from all lookup default',
    ]);
    assert.deepEqual(lan.show('pod', 'route'), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.0.0/16 dev eth0 scope link src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      '10.7.0.0/16 dev net1 scope link src 10.7.168.173',
      'default via 10.6.0.1 dev eth0',
    ]);
    assert.deepEqual(lan.show('pod', 'route show table 101'), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      '10.7.0.0/16 dev net1 scope link src 10.7.168.173',
      'default via 10.7.0.1 dev net1',
    ]);
    assert.deepEqual(lan.show('pod', '-6 rule').slice(1, 3), [
      '1000: from all fwmark 0x1 lookup 100',
      '1001: from fd00:10:7::173 lookup 101',
    ]);
    assert.deepEqual(lan.show('pod', '-6 route'), [
      'default via fd00:10:6::1 dev eth0 metric 1024',
      'fd00:10:233::/116 via fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:6::/64 dev eth0 metric 256',
      'fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:7::/64 dev net1 metric 256',
    ]);
    assert.deepEqual(lan.show('pod', '-6 route show table 101'), [
      'default via fd00:10:7::1 dev net1 metric 1024',
      'fd00:10:233::/116 via fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:6::101 dev veth0 src fd00:10:6::172 metric 1024',
      'fd00:10:7::/64 dev net1 metric 256',
    ]);
    assert.deepEqual(lan.show('node', 'route show table 500'), [
      `10.6.168.172 dev ${veth} scope link`,
      `10.7.168.173 dev ${veth} scope link`,
    ]);
    await site.plugin.check(site.call('eth0'));
    await site.plugin.check(site.call('net1'));
  });

  test('the kernel holds golden table G3, both families', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4, 6], { podDefaultRouteNic: 'net1' });
    const { lan } = site;
    assert.ok(lan.show('pod', 'rule').includes('1001: from 10.6.168.172 lookup 101'));
    assert.ok(lan.show('pod', '-6 rule').includes('1001: from fd00:10:6::172 lookup 101'));
    const defaults = (line: string) => lan.show('pod', line).filter((text) => text.startsWith('default'));
    assert.deepEqual(defaults('route'), ['default via 10.7.0.1 dev net1']);
    assert.deepEqual(defaults('-6 route'), ['default via fd00:10:7::1 dev net1 metric 1024']);
    assert.deepEqual(lan.show('pod', 'route show table 101'), [
      '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
      '10.6.0.0/16 dev eth0 scope link src 10.6.168.172',
      '10.6.212.101 dev veth0 scope link src 10.6.168.172',
      'default via 10.6.0.1 dev eth0',
    ]);
  });

  for (const netConf of [{}, { podDefaultRouteNic: 'net1' }]) {
    const owner = 'podDefaultRouteNic' in netConf ? 'net1' : 'eth0';
    test(`the default route on ${owner}: a client behind a router is answered on the NIC that it asked, and so is the node`, async () => {
      using site = await new Site().start();
      await site.addUnderlay([4, 6], netConf);
      const { pod, client, node } = site.lan;
      await withServer(pod, () => {
        for (const family of [4, 6] as const) {
          for (const address of [ETH0[family], NET1[family]]) {
            assert.equal(ask(client, address), `${CLIENT[family]} hello`, address);
            assert.equal(ask(node, address), `${NODE[family]} hello`, address);
          }
        }
      });
      await withServer(node, () => {
        for (const from of [ETH0[4], NET1[4], ETH0[6], NET1[6]]) {
          const to = NODE[from.includes(':') ? 6 : 4];
          assert.equal(ask(pod, to, { from }), `${from} hello`, 'bound to each address');
        }
      });
    });
  }

  test('NodePort with the client’s own address: the reply leaves by veth0 though net1 has the default route', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4], { podDefaultRouteNic: 'net1' });
    const proxy =
      'table ip proxy { chain pre { type nat hook prerouting priority dstnat; tcp dport 30080 dnat to 10.6.168.172:80; }; }';
    execFileSync('ip', ['netns', 'exec', site.lan.node, 'nft', '-f', '-'], { input: proxy });
    await withServer(site.lan.pod, () => {
      const { client, router, pod } = site.lan;
      assert.equal(ask(client, NODE[4], { port: 30_080 }), '10.9.0.2 hello');
      assert.equal(ask(router, NODE[4], { port: 30_080 }), '10.6.0.1 hello', 'a client on eth0’s LAN');
      // Spiderpool's order of rules.
      ip('-n', pod, 'rule', 'add', 'pref', '999', 'from', ETH0[4], 'lookup', '101');
      assert.equal(ask(client, NODE[4], { port: 30_080 }), 'silence', 'the symptom, were sources first');
    });
  });

  test('ADD again changes nothing, from a restarted agent too, and makes no second rule', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4, 6]);
    const before = site.everything();
    for (const name of ['net1', 'eth0', 'net1']) {
      await site.add(name);
      assert.deepEqual(site.everything(), before, name);
      await site.start();
    }
  });

  test('unplugging net1 takes its own away: eth0 has its default route back and talks, the veth stays', async () => {
    for (const netConf of [{}, { podDefaultRouteNic: 'net1' }]) {
      using site = await new Site().start();
      await site.addNic('eth0', 6, [4, 6], ETH0);
      const alone = site.everything();
      await site.addNic('net1', 7, [4, 6], NET1, netConf);
      await site.start();
      await site.unplug('net1');
      assert.deepEqual(site.everything(), alone, JSON.stringify(netConf));
      const { pod, client, node } = site.lan;
      await withServer(pod, () => {
        assert.equal(ask(client, ETH0[4]), '10.9.0.2 hello');
        assert.equal(ask(node, ETH0[6]), `${NODE[6]} hello`);
      });
      await site.plugin.check(site.call('eth0'));
      await site.del('eth0');
      assert.ok(!site.lan.show('node', 'link').some((line) => line.includes(veth)), 'it goes with the last');
      assert.deepEqual(site.lan.show('node', 'route show table 500'), []);
    }
  });

  test('unplugged and plugged in again, with another between: each has a table of its own', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4]);
    await site.addNic('net2', 7, [4], { 4: '10.7.1.2', 6: '' });
    await site.unplug('net1');
    await site.addNic('net3', 7, [4], { 4: '10.7.1.3', 6: '' });
    assert.deepEqual(
      site.lan.show('pod', 'rule').filter((line) => line.includes('lookup 10')),
      [
        '1000: from all fwmark 0x1 lookup 100',
        '1001: from 10.7.1.2 lookup 102',
        '1001: from 10.7.1.3 lookup 101',
      ],
    );
    await site.plugin.check(site.call('net2'));
  });

  test('CHECK names what is broken, and ADD again mends it', async () => {
    using site = await new Site().start();
    await site.addUnderlay([4, 6]);
    const { pod, node } = site.lan;
    const damages: [string, string, RegExp][] = [
      [pod, 'rule del pref 1001', /^rule 1001: from 10\.7\.168\.173 lookup 101 is missing$/],
      [
        pod,
        'route del default table 101',
        /^route default via 10\.7\.0\.1 dev net1 .*missing from table 101$/,
      ],
      [pod, 'route del default', /^route default via 10\.6\.0\.1 dev eth0 is missing from table main$/],
      [
        pod,
        'route append default via 10.7.0.1 dev net1',
        /^route default via 10\.7\.0\.1 dev net1 is in table main, where another NIC has its$/,
      ],
      [
        pod,
        '-6 route append default via fd00:10:7::1 dev net1',
        /^route default via fd00:10:7::1 dev net1 metric 1024 is in table main, where another NIC has its$/,
      ],
      [
        node,
        'route del 10.7.168.173 table 500',
        /^route 10\.7\.168\.173 dev veth\w+ .*missing from table 500$/,
      ],
    ];
    for (const [where, damage, sentence] of damages) {
      ip('-n', where, ...damage.split(' '));
      await assert.rejects(site.plugin.check(site.call('net1')), { message: sentence }, damage);
      await site.add('net1');
      await site.plugin.check(site.call('net1'));
    }
  });

  test('two NICs on one LAN keep apart: each answers by itself', async () => {
    using site = await new Site().start();
    await site.addNic('eth0', 6, [4, 6], ETH0);
    const second = { 4: '10.6.168.180', 6: 'fd00:10:6::180' };
    await site.addNic('net1', 6, [4, 6], second, { podDefaultRouteNic: 'net1' });
    await site.plugin.check(site.call('net1'));
    await withServer(site.lan.pod, () => {
      for (const family of [4, 6] as const) {
        for (const address of [ETH0[family], second[family]]) {
          assert.equal(ask(site.lan.client, address), `${CLIENT[family]} hello`, address);
        }
      }
    });
    await site.unplug('net1');
    await site.plugin.check(site.call('eth0'));
    await withServer(site.lan.pod, () => assert.equal(ask(site.lan.client, ETH0[4]), '10.9.0.2 hello'));
  });

  test('three NICs, strict rp_filter asked for: each is answered by itself, and Services are asked from eth0’s address', async () => {
    using site = await new Site().start();
    const strict = { podRPFilter: 1 };
    const net2 = { 4: '10.7.168.180', 6: 'fd00:10:7::180' };
    await site.addNic('eth0', 6, [4, 6], ETH0, strict);
    await site.addNic('net1', 7, [4, 6], NET1, strict);
    await site.addNic('net2', 7, [4, 6], net2, strict);
    const { pod, client, node } = site.lan;
    await withServer(pod, () => {
      for (const address of [ETH0, NET1, net2].flatMap((own) => [own[4], own[6]])) {
        const family = address.includes(':') ? 6 : 4;
        assert.equal(ask(client, address), `${CLIENT[family]} hello`, address);
        assert.equal(ask(node, address), `${NODE[family]} hello`, address);
      }
    });
    // Most like net1's address (RFC 6724, rule 8), if the kernel had the choice.
    const services = { 4: '10.233.0.7', 6: 'fd00:10:7::233' } as const;
    await site.add('eth0', { ...strict, hijackCIDR: [`${services[6]}/128`] });
    for (const family of [4, 6] as const) {
      const [route = ''] = site.lan.show('pod', `route get ${services[family]}`);
      assert.match(route, new RegExp(`dev veth0 src ${ETH0[family]} `), route);
    }
  });

  test('a router’s default route moves to the NIC’s table, and what it advertises next does not bring it back', async () => {
    using site = await new Site().start();
    const { lan } = site;
    await site.addNic('eth0', 6, [6], ETH0);
    site.plug('net1', 7, [`${NET1[6]}/64`], []);
    const main = () => lan.show('pod', '-6 route').filter((line) => line.startsWith('default'));
    const eventually = async (isSo: () => boolean) => {
      for (let tries = 0; tries < 100 && !isSo(); tries++) await systemClock.sleep(20);
    };
    lan.advertise(7, 'fd00:10:7::');
    await eventually(() => main().length === 2);
    assert.match(main().find((line) => line.includes('net1')) ?? '', /proto ra/, 'the symptom: two of them');
    await site.add('net1');
    const moved = lan.show('pod', '-6 route show table 101').filter((line) => line.startsWith('default'));
    assert.match(moved.join(), /^default via fe80::\S+ dev net1 metric 1024/);
    // One that changes something, so that its arrival can be told.
    lan.advertise(7, 'fd00:10:77::');
    await eventually(() => lan.show('pod', '-6 route').some((line) => line.startsWith('fd00:10:77::')));
    assert.ok(
      lan.show('pod', '-6 route').some((line) => line.startsWith('fd00:10:77::/64')),
      'it arrived',
    );
    assert.deepEqual(main(), ['default via fd00:10:6::1 dev eth0 metric 1024']);
    await site.plugin.check(site.call('net1'));
  });

  test('eth0 with IPv6 and net1 with IPv4: both reach the node and are answered', async () => {
    using site = await new Site().start();
    await site.addNic('eth0', 6, [6], ETH0);
    await site.addNic('net1', 7, [4], NET1);
    const { pod, client, node } = site.lan;
    await withServer(pod, () => {
      assert.equal(ask(client, ETH0[6]), `${CLIENT[6]} hello`);
      assert.equal(ask(client, NET1[4]), `${CLIENT[4]} hello`);
    });
    await withServer(node, () => {
      assert.equal(ask(pod, NODE[4]), `${NET1[4]} hello`);
      assert.equal(ask(pod, NODE[6]), `${ETH0[6]} hello`);
    });
  });

  test('the first NIC may have another name', async () => {
    using site = await new Site().start();
    const netConf = { podDefaultCniNic: 'ens1' };
    await site.addNic('ens1', 6, [4], ETH0, netConf);
    await site.addNic('net1', 7, [4], NET1, netConf);
    await withServer(site.lan.pod, () => {
      for (const address of [ETH0[4], NET1[4]]) assert.equal(ask(site.lan.client, address), '10.9.0.2 hello');
    });
  });
});

describe('an overlay’s eth0 with net1 besides', () => {
  const net1 = { 4: '10.6.212.227', 6: 'fd00:10:6::227' };

  async function calicoPod(netConf = {}): Promise<Site> {
    const site = await new Site().start();
    site.lan.addCalico(cali, CALICO, CALICO6);
    await site.addNic('net1', 6, [4, 6], net1, netConf);
    return site;
  }

  test('the kernel holds golden table G4, both families', async () => {
    using site = await calicoPod();
    const { lan } = site;
    assert.deepEqual(lan.show('pod', 'rule').slice(1, 3), [
      '1001: from 10.233.105.154 lookup 100',
      '1001: from 10.6.212.227 lookup 101',
    ]);
    assert.deepEqual(lan.show('pod', 'route'), [
      '10.233.0.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.233.64.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.6.0.0/16 dev net1 scope link src 10.6.212.227',
      '10.6.212.101 dev eth0 scope link src 10.233.105.154',
      '169.254.1.1 dev eth0 scope link',
      'default via 169.254.1.1 dev eth0',
    ]);
    assert.deepEqual(lan.show('pod', 'route show table 100'), ['default via 169.254.1.1 dev eth0']);
    assert.deepEqual(lan.show('pod', 'route show table 101'), [
      '10.233.0.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.233.64.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.6.0.0/16 dev net1 scope link src 10.6.212.227',
      '10.6.212.101 dev eth0 scope link src 10.233.105.154',
      'default via 10.6.0.1 dev net1',
    ]);
    assert.deepEqual(lan.show('node', 'route show table 500'), [`10.6.212.227 dev ${cali} scope link`]);
    const mac = /link\/ether (\S+)/.exec(ip('-n', lan.pod, 'link', 'show', 'eth0'))?.[1];
    assert.deepEqual(lan.show('node', `neighbour show nud permanent dev ${cali}`), [
      `10.6.212.227 lladdr ${mac} PERMANENT`,
      `fd00:10:6::227 lladdr ${mac} PERMANENT`,
    ]);
    assert.deepEqual(lan.show('pod', '-6 rule').slice(1, 3), [
      '1001: from fd00:10:6::227 lookup 101',
      '1001: from fd00:ca::154 lookup 100',
    ]);
    assert.deepEqual(lan.show('pod', '-6 route'), [
      `default via ${CALICO_GATEWAY_6} dev eth0 metric 1024`,
      'fd00:10:233::/116 via fd00:10:6::101 dev eth0 metric 1024',
      'fd00:10:6::/64 dev net1 metric 256',
      'fd00:10:6::101 dev eth0 metric 1024',
      'fd00:ca::154 dev eth0 metric 256',
    ]);
    assert.deepEqual(lan.show('pod', '-6 route show table 100'), [
      `default via ${CALICO_GATEWAY_6} dev eth0 metric 1024`,
    ]);
    assert.deepEqual(lan.show('pod', '-6 route show table 101'), [
      'default via fd00:10:6::1 dev net1 metric 1024',
      'fd00:10:233::/116 via fd00:10:6::101 dev eth0 metric 1024',
      'fd00:10:6::/64 dev net1 metric 256',
      'fd00:10:6::101 dev eth0 metric 1024',
    ]);
    assert.deepEqual(lan.show('node', '-6 route show table 500'), [`fd00:10:6::227 dev ${cali} metric 1024`]);
    assert.ok(!lan.show('pod', 'link').some((line) => line.includes('veth0')));
    await site.plugin.check(site.call('net1'));
  });

  test('the kernel holds golden table G5, both families', async () => {
    using site = await calicoPod({ podDefaultRouteNic: 'net1' });
    const { lan } = site;
    assert.deepEqual(lan.show('pod', 'rule')[1], '1001: from 10.233.105.154 lookup 101');
    assert.ok(lan.show('pod', 'route').includes('default via 10.6.0.1 dev net1'));
    assert.ok(!lan.show('pod', 'route').some((line) => line.startsWith('default via 169')));
    assert.deepEqual(lan.show('pod', 'route show table 101'), [
      '10.233.0.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.233.64.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
      '10.6.212.101 dev eth0 scope link src 10.233.105.154',
      '169.254.1.1 dev eth0 scope link',
      'default via 169.254.1.1 dev eth0',
    ]);
    assert.deepEqual(lan.show('pod', '-6 rule')[1], '1001: from fd00:ca::154 lookup 101');
    assert.deepEqual(
      lan.show('pod', '-6 route').filter((line) => line.startsWith('default')),
      ['default via fd00:10:6::1 dev net1 metric 1024'],
    );
    assert.deepEqual(lan.show('pod', '-6 route show table 101'), [
      `default via ${CALICO_GATEWAY_6} dev eth0 metric 1024`,
      'fd00:10:233::/116 via fd00:10:6::101 dev eth0 metric 1024',
      'fd00:10:6::101 dev eth0 metric 1024',
      'fd00:ca::154 dev eth0 metric 256',
    ]);
    const all = lan.show('pod', 'route show table all');
    assert.ok(!all.some((line) => line.includes('table 100')), 'table 100 is not used');
  });

  for (const netConf of [{}, { podDefaultRouteNic: 'net1' }]) {
    const owner = 'podDefaultRouteNic' in netConf ? 'net1' : 'eth0';
    test(`the default route on ${owner}: clients and the node are answered on the NIC that they asked`, async () => {
      using site = await calicoPod(netConf);
      const { pod, client, router, node } = site.lan;
      // The way to the overlay's address, as a router that the fabric tells of it has it.
      ip('-n', router, 'route', 'add', CALICO, 'via', NODE[4]);
      ip('-n', router, 'route', 'add', CALICO6, 'via', NODE[6]);
      await withServer(pod, () => {
        for (const [family, overlay, gateway] of [
          [4, CALICO, '10.6.0.1'],
          [6, CALICO6, 'fd00:10:6::1'],
        ] as const) {
          assert.equal(ask(client, net1[family]), `${CLIENT[family]} hello`);
          assert.equal(ask(client, overlay), `${CLIENT[family]} hello`);
          assert.equal(ask(router, overlay), `${gateway} hello`, 'from net1’s LAN, by eth0');
          assert.equal(ask(node, net1[family]), `${NODE[family]} hello`);
        }
      });
      await withServer(node, () => {
        for (const from of [CALICO, net1[4], CALICO6, net1[6]]) {
          const to = NODE[from.includes(':') ? 6 : 4];
          assert.equal(ask(pod, to, { from }), `${from} hello`);
        }
      });
    });

    test(`unplugging net1, the default route on ${owner}: the overlay’s pod is as it was, on the node too`, async () => {
      using site = await new Site().start();
      site.lan.addCalico(cali, CALICO);
      const alone = site.everything();
      await site.addNic('net1', 6, [4], net1, netConf);
      await site.start();
      await site.unplug('net1');
      const rule = '1000: from all lookup 500';
      const shared = site.everything().map((lines) => lines.filter((line) => line !== rule));
      assert.deepEqual(shared, alone, 'but for the rule that serves every pod');
      await withServer(site.lan.node, () => assert.equal(ask(site.lan.pod, NODE[4]), `${CALICO} hello`));
    });
  }

  test('an overlay that drops foreign sources, as Cilium does: the node and net1 talk by a veth pair of ours', async () => {
    using site = await new Site().start();
    const { lan } = site;
    lan.addCalico('lxc0123', CALICO);
    const strict = `table ip cilium { chain pre { type filter hook prerouting priority raw; iifname lxc0123 ip saddr != ${CALICO} counter drop; }; }`;
    execFileSync('ip', ['netns', 'exec', lan.node, 'nft', '-f', '-'], { input: strict });
    await site.addNic('net1', 6, [4], net1);
    await withServer(lan.pod, () => {
      for (const address of [CALICO, net1[4]])
        assert.equal(ask(lan.node, address), `${NODE[4]} hello`, address);
      assert.equal(ask(lan.client, net1[4]), '10.9.0.2 hello');
    });
    await withServer(lan.node, () => {
      for (const from of [CALICO, net1[4]]) assert.equal(ask(lan.pod, NODE[4], { from }), `${from} hello`);
    });
    assert.deepEqual(lan.show('node', 'route show table 500'), [`10.6.212.227 dev ${veth} scope link`]);
    await site.plugin.check(site.call('net1'));
  });

  test('an overlay’s NIC may have another name than eth0', async () => {
    using site = await new Site().start();
    site.lan.addCalico(cali, CALICO, undefined, 'ens1');
    await site.addNic('net1', 6, [4], net1, { podDefaultCniNic: 'ens1', podDefaultRouteNic: 'net1' });
    assert.ok(site.lan.show('pod', 'route show table 101').includes('default via 169.254.1.1 dev ens1'));
    assert.deepEqual(site.lan.show('node', 'route show table 500'), [`10.6.212.227 dev ${cali} scope link`]);
    await withServer(site.lan.pod, () => {
      assert.equal(ask(site.lan.client, net1[4]), '10.9.0.2 hello');
      assert.equal(ask(site.lan.node, net1[4]), `${NODE[4]} hello`);
    });
  });

  test('an overlay of IPv4 alone, with IPv6 switched off on its NIC: net1’s IPv6 reaches the node and clients all the same', async () => {
    using site = await new Site().start();
    const { lan } = site;
    lan.addCalico(cali, CALICO);
    const off = 'net.ipv6.conf.eth0.disable_ipv6=1';
    execFileSync('ip', ['netns', 'exec', lan.pod, 'sysctl', '-q', '-w', off]);
    await site.addNic('net1', 6, [4, 6], net1);
    await withServer(lan.pod, () => {
      for (const family of [4, 6] as const) {
        assert.equal(ask(lan.client, net1[family]), `${CLIENT[family]} hello`);
        assert.equal(ask(lan.node, net1[family]), `${NODE[family]} hello`);
      }
    });
    await withServer(lan.node, () => {
      assert.equal(ask(lan.pod, NODE[6]), `${net1[6]} hello`);
      assert.equal(ask(lan.pod, NODE[4]), `${CALICO} hello`);
    });
    await site.plugin.check(site.call('net1'));
    await site.unplug('net1');
    await withServer(lan.node, () => assert.equal(ask(lan.pod, NODE[4]), `${CALICO} hello`));
  });

  test('ADD again and a second NIC: tables 101 and 102, nothing twice', async () => {
    using site = await calicoPod({ podDefaultRouteNic: 'net1' });
    const before = site.everything();
    await site.start();
    await site.add('net1', { podDefaultRouteNic: 'net1' });
    assert.deepEqual(site.everything(), before, 'the overlay’s default route is remembered, though it moved');
    await site.addNic('net2', 7, [4], NET1);
    assert.deepEqual(site.lan.show('pod', 'rule').slice(1, 3), [
      '1001: from 10.233.105.154 lookup 101',
      '1001: from 10.7.168.173 lookup 102',
    ]);
    await withServer(site.lan.pod, () => {
      for (const address of [net1[4], NET1[4]]) assert.equal(ask(site.lan.client, address), '10.9.0.2 hello');
    });
  });

  test('a macvlan eth0 of somebody else: a veth pair of ours is the way to the node, nothing stands on the parent', async () => {
    using site = await new Site().start();
    site.lan.addMacvlan('eth0', 'eth1', ['10.7.0.9/16'], ['10.7.0.1']);
    await site.addNic('net1', 6, [4], net1);
    assert.deepEqual(site.lan.show('node', 'neighbour show nud permanent dev eth1'), []);
    await withServer(site.lan.pod, () => {
      for (const address of ['10.7.0.9', net1[4]]) {
        assert.equal(ask(site.lan.node, address), `${NODE[4]} hello`, address);
        assert.equal(ask(site.lan.client, address), '10.9.0.2 hello', address);
      }
    });
    await site.plugin.check(site.call('net1'));
    await site.unplug('net1');
    assert.ok(!site.lan.show('node', 'link').some((line) => line.includes(veth)));
  });
});
