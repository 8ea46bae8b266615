import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { ask, CALICO_GATEWAY_6, CLIENT, ip, NODE, withServer } from './routed-lan-fixture.ts';
import { CALICO, CALICO6, cali, NET1, Site, veth } from './site-fixture.ts';

// Golden tables G4 and G5 of Spiderpool, pods with an overlay's eth0 and underlay NICs besides, as the kernel holds them.

before(primeThreads);

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
  assert.deepEqual(lan.show('pod', 'rule').slice(1, 4), [
    '1000: from all fwmark 0x1 lookup 100',
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
  assert.deepEqual(lan.show('pod', '-6 rule').slice(1, 4), [
    '1000: from all fwmark 0x1 lookup 100',
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
  assert.deepEqual(lan.show('pod', 'rule').slice(1, 4), [
    '1000: from all fwmark 0x1 lookup 100',
    '1001: from 10.233.105.154 lookup 101',
    '1001: from 10.6.212.227 lookup 99',
  ]);
  assert.ok(lan.show('pod', 'route').includes('default via 10.6.0.1 dev net1'));
  assert.ok(!lan.show('pod', 'route').some((line) => line.startsWith('default via 169')));
  assert.deepEqual(lan.show('pod', 'route show table 101'), [
    '10.233.0.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
    '10.233.64.0/18 via 10.6.212.101 dev eth0 src 10.233.105.154',
    '10.6.212.101 dev eth0 scope link src 10.233.105.154',
    '169.254.1.1 dev eth0 scope link',
    'default via 169.254.1.1 dev eth0',
  ]);
  assert.ok(lan.show('pod', '-6 rule').includes('1001: from fd00:ca::154 lookup 101'));
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
  assert.deepEqual(lan.show('pod', 'route show table 100'), ['default via 169.254.1.1 dev eth0']);
});

for (const netConf of [{}, { podDefaultRouteNic: 'net1' }]) {
  const owner = 'podDefaultRouteNic' in netConf ? 'net1' : 'eth0';
  test(`the default route on ${owner}: clients and the node get answers from the NIC that they asked`, async () => {
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

  test(`unplugging net1, the default route on ${owner}: pod and node of the overlay are as before`, async () => {
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

test('an overlay that drops foreign sources, as Cilium does: the node and net1 reach one another by a veth pair of ours', async () => {
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

test('the NIC of an overlay may have another name than eth0', async () => {
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

test('an overlay of IPv4 alone, with IPv6 switched off on its NIC: net1’s IPv6 still reaches the node and clients', async () => {
  using site = await new Site().start();
  const { lan } = site;
  lan.addCalico(cali, CALICO);
  const off = 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6';
  execFileSync('ip', ['netns', 'exec', lan.pod, 'sh', '-c', off]);
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

test('a repeated ADD and a second NIC: tables 101 and 102, and nothing twice', async () => {
  using site = await calicoPod({ podDefaultRouteNic: 'net1' });
  const before = site.everything();
  await site.start();
  await site.add('net1', { podDefaultRouteNic: 'net1' });
  assert.deepEqual(site.everything(), before, 'the overlay’s default route is remembered, though it moved');
  await site.addNic('net2', 7, [4], NET1);
  assert.deepEqual(site.lan.show('pod', 'rule').slice(2, 5), [
    '1001: from 10.233.105.154 lookup 101',
    '1001: from 10.6.212.227 lookup 99',
    '1001: from 10.7.168.173 lookup 102',
  ]);
  await withServer(site.lan.pod, () => {
    for (const address of [net1[4], NET1[4]]) assert.equal(ask(site.lan.client, address), '10.9.0.2 hello');
  });
});

test('a macvlan eth0 of another plugin: a veth pair of ours leads to the node, and its parent gets no route or neighbour', async () => {
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
  await withServer(site.lan.node, () => assert.equal(ask(site.lan.pod, NODE[4]), '10.7.0.9 hello'));
  await site.plugin.check(site.call('net1'));
  await site.unplug('net1');
  assert.ok(!site.lan.show('node', 'link').some((line) => line.includes(veth)));
});
