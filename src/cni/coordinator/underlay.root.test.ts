import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { isOrbError, systemClock } from '#base';
import { primeThreads } from '#kernel';
import { ask, CLIENT, ip, NODE, withServer } from './routed-lan-fixture.ts';
import { ETH0, NET1, Site, veth } from './site-fixture.ts';

// Golden tables G2 and G3 of Spiderpool, pods with underlay NICs alone, as the kernel holds them, and packets on the ways they say.

before(primeThreads);

test('the kernel holds golden table G2, both families', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6]);
  const { lan } = site;
  assert.deepEqual(lan.show('pod', 'rule'), [
    '0: from all lookup local',
    '1000: from all fwmark 0x1 lookup 100',
    '1001: from 10.6.168.172 lookup 99',
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
  assert.deepEqual(lan.show('pod', 'route show table 99'), [
    '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
    '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
    '10.6.0.0/16 dev eth0 scope link src 10.6.168.172',
    '10.6.212.101 dev veth0 scope link src 10.6.168.172',
    'default via 10.6.0.1 dev eth0',
  ]);
  assert.deepEqual(lan.show('pod', 'route show table 101'), [
    '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
    '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.168.172',
    '10.6.212.101 dev veth0 scope link src 10.6.168.172',
    '10.7.0.0/16 dev net1 scope link src 10.7.168.173',
    'default via 10.7.0.1 dev net1',
  ]);
  assert.deepEqual(lan.show('pod', '-6 rule').slice(1, 4), [
    '1000: from all fwmark 0x1 lookup 100',
    '1001: from fd00:10:6::172 lookup 99',
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
  test(`the default route on ${owner}: a client behind a router and the node get answers from the NIC that they asked`, async () => {
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

test('a NodePort reply to the client’s own address leaves by veth0 although net1 has the default route', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6], { podDefaultRouteNic: 'net1' });
  const { client, router, pod, node } = site.lan;
  const hook = 'type nat hook prerouting priority dstnat;';
  const proxy = `
    table ip proxy { chain pre { ${hook} tcp dport 30080 dnat to ${ETH0[4]}:80; }; }
    table ip6 proxy { chain pre { ${hook} tcp dport 30080 dnat to [${ETH0[6]}]:80; }; }`;
  execFileSync('ip', ['netns', 'exec', node, 'nft', '-f', '-'], { input: proxy });
  await withServer(pod, () => {
    for (const [family, gateway] of [
      [4, '10.6.0.1'],
      [6, 'fd00:10:6::1'],
    ] as const) {
      const port = 30_080;
      assert.equal(ask(client, NODE[family], { port }), `${CLIENT[family]} hello`);
      assert.equal(ask(router, NODE[family], { port }), `${gateway} hello`, 'a client on eth0’s LAN');
      // Spiderpool's order of rules.
      ip('-n', pod, `-${family}`, 'rule', 'add', 'pref', '999', 'from', ETH0[family], 'lookup', '101');
      assert.equal(ask(client, NODE[family], { port }), 'silence', 'the symptom, were sources first');
    }
  });
});

test('a repeated ADD changes nothing, also from a restarted agent, and makes no second rule', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6]);
  const before = site.everything();
  for (const name of ['net1', 'eth0', 'net1']) {
    await site.add(name);
    assert.deepEqual(site.everything(), before, name);
    await site.start();
  }
});

test('unplugging net1 removes its objects: eth0 gets its default route back, and the veth pair stays', async () => {
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

test('two NICs that are unplugged and plugged in again in turn get tables of their own', async () => {
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

test('CHECK names the broken object, and a repeated ADD repairs it', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6]);
  const { pod, node } = site.lan;
  const damages: [string, string, RegExp][] = [
    [pod, 'rule del from 10.7.168.173', /^rule 1001: from 10\.7\.168\.173 lookup 101 is missing$/],
    [pod, 'rule del from 10.6.168.172', /^rule 1001: from 10\.6\.168\.172 lookup 99 is missing$/],
    [pod, 'route del default table 99', /^route default via 10\.6\.0\.1 dev eth0 .*missing from table 99$/],
    [pod, 'route del default table 101', /^route default via 10\.7\.0\.1 dev net1 .*missing from table 101$/],
    [pod, 'route del default', /^route default via 10\.6\.0\.1 dev eth0 is missing from table main$/],
    [
      pod,
      'route append default via 10.7.0.1 dev net1',
      /^route default via 10\.7\.0\.1 dev net1 is in table main, where another NIC has its default route$/,
    ],
    [
      pod,
      '-6 route append default via fd00:10:7::1 dev net1',
      /^route default via fd00:10:7::1 dev net1 metric 1024 is in table main, where another NIC has its default route$/,
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

test('two NICs on one LAN each answer for their own address', async () => {
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

test('three NICs, strict rp_filter requested: each NIC answers for itself, and Services see eth0’s address', async () => {
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

test('a default route moves unchanged: with an onlink gateway, metric and MTU, or with two hops', async () => {
  using site = await new Site().start();
  const { lan } = site;
  await site.addNic('eth0', 6, [4], ETH0);
  site.plug('net1', 7, ['10.7.9.9/32'], []);
  const way = 'default via 10.7.0.1 dev net1 onlink metric 50 mtu 1400';
  ip('-n', lan.pod, 'route', 'add', ...way.split(' '));
  const hops = 'nexthop via 10.7.0.1 dev net1 weight 1 onlink nexthop via 10.7.0.2 dev net1 weight 3 onlink';
  ip('-n', lan.pod, 'route', 'add', '10.70.0.0/16', ...hops.split(' '));
  await site.add('net1');
  const moved = ['route show table 101 default', 'route show table 101 10.70.0.0/16'].map((line) =>
    lan.show('pod', line).join(' '),
  );
  assert.match(moved[0] ?? '', /^default via 10\.7\.0\.1 dev net1 metric 50 onlink mtu 1400$/);
  assert.match(
    moved[1] ?? '',
    /via 10\.7\.0\.1 dev net1 weight 1 onlink nexthop via 10\.7\.0\.2 dev net1 weight 3 onlink/,
  );
  await withServer(lan.pod, () => assert.equal(ask(lan.client, '10.7.9.9'), '10.9.0.2 hello'));
  await site.plugin.check(site.call('net1'));
});

test('a router’s default route moves to the NIC’s table, and the next advertisement does not bring it back', async () => {
  using site = await new Site().start();
  const { lan } = site;
  await site.addNic('eth0', 6, [6], ETH0);
  site.plug('net1', 7, [`${NET1[6]}/64`], []);
  const main = () => lan.show('pod', '-6 route').filter((line) => line.startsWith('default'));
  const eventually = async (isSo: () => boolean) => {
    for (let tries = 0; tries < 1500 && !isSo(); tries++) await systemClock.sleep(20);
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

test('eth0 with IPv6 and net1 with IPv4: both reach the node and answer', async () => {
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

test('a pool’s route to the node’s own address fails ADD, and the error names this route', async () => {
  using site = await new Site().start();
  site.plug('eth0', 6, ['10.6.168.172/16'], ['10.6.0.1']);
  ip('-n', site.lan.pod, 'route', 'add', `${NODE[4]}/32`, 'via', '10.6.0.1', 'dev', 'eth0');
  await assert.rejects(site.add('eth0'), (error) => {
    assert.ok(isOrbError(error, 'COORDINATOR_ROUTE_TAKEN'));
    assert.match(error.message, /route 10\.6\.212\.101 via 10\.6\.0\.1 dev eth0 .*in the place of/);
    return true;
  });
  assert.ok(site.lan.show('pod', 'route').includes('10.6.212.101 via 10.6.0.1 dev eth0'));
});
