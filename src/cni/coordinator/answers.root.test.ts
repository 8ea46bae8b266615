import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { unanswered, withPlainUdp, withProbe } from './probe-fixture.ts';
import { ask, CLIENT, ip, NODE, withServer } from './routed-lan-fixture.ts';
import { CALICO, CALICO6, cali, ETH0, NET1, Site } from './site-fixture.ts';

// What is asked on a NIC is answered on it: the router between the LANs drops what comes in by the wrong one.

before(primeThreads);

const families = [4, 6] as const;
const both = (addresses: Readonly<Record<4 | 6, string>>) => families.map((family) => addresses[family]);
/** The network of the client, by way of a router of the LAN. */
const clientBy = (lan: 6 | 7) => ({
  policyRoutes: [
    { dst: '10.9.0.0/24', gw: `10.${lan}.0.1` },
    { dst: 'fd00:10:9::/64', gw: `fd00:10:${lan}::1` },
  ],
});

async function allAnswerTheClient({ lan }: Site, addresses: readonly string[]): Promise<void> {
  await withProbe(lan.pod, () => {
    const questions = addresses.map((to) => ({ to }));
    assert.deepEqual(unanswered(lan.client, questions), []);
  });
}

for (const podRPFilter of [0, 1]) {
  test(`a policy route of net1 does not change the answers of eth0, rp_filter ${podRPFilter} in the pod`, async () => {
    using site = await new Site().start();
    await site.addNic('eth0', 6, families, ETH0, { podRPFilter });
    await site.addNic('net1', 7, families, NET1, { podRPFilter, ...clientBy(7) });
    await allAnswerTheClient(site, [...both(ETH0), ...both(NET1)]);
    await site.plugin.check(site.call('net1'));
    await withServer(site.lan.client, () => {
      for (const family of families) {
        const unbound = `${NET1[family]} hello`;
        assert.equal(ask(site.lan.pod, CLIENT[family]), unbound, 'who names no source follows it (#5700)');
        assert.equal(ask(site.lan.pod, CLIENT[family], { from: ETH0[family] }), `${ETH0[family]} hello`);
      }
    });
  });
}

test('a policy route of eth0 does not change the answers of net1, which has the default route', async () => {
  using site = await new Site().start();
  await site.addNic('eth0', 6, families, ETH0, clientBy(6));
  await site.addNic('net1', 7, families, NET1, { podDefaultRouteNic: 'net1' });
  await allAnswerTheClient(site, [...both(ETH0), ...both(NET1)]);
  await withServer(site.lan.client, () => {
    for (const family of families)
      assert.equal(ask(site.lan.pod, CLIENT[family]), `${ETH0[family]} hello`, 'who names no source');
  });
});

for (const podDefaultRouteNic of ['', 'net1']) {
  const owner = podDefaultRouteNic || 'eth0';
  test(`beside an overlay of IPv4 alone, the default route on ${owner}: a policy route of net2 does not change the answers of net1`, async () => {
    using site = await new Site().start();
    site.lan.addCalico(cali, CALICO);
    await site.addNic('net1', 6, families, ETH0, { podDefaultRouteNic });
    await site.addNic('net2', 7, families, NET1, { podDefaultRouteNic, ...clientBy(7) });
    await allAnswerTheClient(site, [...both(ETH0), ...both(NET1)]);
    await site.plugin.check(site.call('net1'));
  });
}

test('a host on net1’s LAN that asks eth0’s address through the router gets its answer through the router', async () => {
  using site = await new Site().start();
  await site.addUnderlay(families);
  const { lan } = site;
  await withProbe(lan.pod, () => {
    const questions = [
      { to: ETH0[4], from: '10.7.0.1' },
      { to: ETH0[6], from: 'fd00:10:7::1' },
      { to: NET1[4], from: '10.6.0.1' },
      { to: NET1[6], from: 'fd00:10:6::1' },
    ];
    assert.deepEqual(unanswered(lan.router, questions), []);
  });
});

test('eth0 with IPv4 alone: a host on net2’s LAN that asks net1’s IPv6 address gets its answer from net1', async () => {
  using site = await new Site().start();
  await site.addNic('eth0', 6, [4], ETH0);
  await site.addNic('net1', 7, families, NET1);
  await site.addNic('net2', 6, [6], { 4: '', 6: 'fd00:10:6::180' });
  const { lan } = site;
  await withProbe(lan.pod, () => {
    const questions = [
      { to: NET1[6], from: 'fd00:10:6::1' },
      { to: 'fd00:10:6::180', from: 'fd00:10:7::1' },
      { to: ETH0[4], from: '10.7.0.1' },
    ];
    assert.deepEqual(unanswered(lan.router, questions), []);
  });
});

/** As a NodePort does, but for all protocols: the node translates an address of its own to the pod's, and keeps the client's. */
function fronts({ lan }: Site, addresses: readonly string[]): string[] {
  return addresses.map((address, i) => {
    const family = address.includes(':') ? 6 : 4;
    const front = family === 4 ? `10.6.250.${i + 1}` : `fd00:10:6::250:${i + 1}`;
    ip('-n', lan.router, 'route', 'add', front, 'via', NODE[family]);
    const word = family === 4 ? 'ip' : 'ip6';
    const rule = `${word} daddr ${front} dnat to ${address}`;
    const table = `table ${word} front${i} { chain pre { type nat hook prerouting priority dstnat; ${rule}; }; }`;
    execFileSync('ip', ['netns', 'exec', lan.node, 'nft', '-f', '-'], { input: table });
    return front;
  });
}

for (const podRPFilter of [0, 2]) {
  test(`forwarded packets are answered through veth0, rp_filter ${podRPFilter} in the pod`, async () => {
    using site = await new Site().start();
    await site.addNic('eth0', 6, families, ETH0, { podRPFilter });
    await allAnswerTheClient(site, fronts(site, both(ETH0)));
    await site.plugin.check(site.call('eth0'));
  });
}

test('a pod with two NICs, loose rp_filter: packets that the node forwards to each address are answered through veth0', async () => {
  using site = await new Site().start();
  await site.addNic('eth0', 6, families, ETH0, { podRPFilter: 2 });
  await site.addNic('net1', 7, families, NET1, { podRPFilter: 2 });
  await allAnswerTheClient(site, fronts(site, [...both(ETH0), ...both(NET1)]));
});

for (const podRPFilter of [0, 1, 2]) {
  test(`a pod without any default route answers forwarded packets, rp_filter ${podRPFilter} in the pod`, async () => {
    using site = await new Site().start();
    const { lan } = site;
    site.plug('eth0', 6, [`${ETH0[4]}/16`, `${ETH0[6]}/64`], []);
    await site.add('eth0', { podRPFilter });
    const asked = fronts(site, both(ETH0));
    await allAnswerTheClient(site, asked);
    await withPlainUdp(lan.pod, () => {
      const questions = asked.map((to) => ({ to, by: ['udp'] as const }));
      assert.deepEqual(unanswered(lan.client, questions), [], 'UDP that names no source in its answers');
    });
    await site.plugin.check(site.call('eth0'));
    await withServer(lan.client, () => {
      for (const family of families) {
        const to = CLIENT[family];
        assert.equal(ask(lan.pod, to), 'ENETUNREACH', 'it has no way to ask, and learns it at once');
        // The kernel asks for the client's MAC address on veth0 three times, a second each.
        assert.match(
          ask(lan.pod, to, { from: ETH0[family] }),
          /^(EHOSTUNREACH|silence)$/,
          'nor by its address',
        );
      }
    });
  });
}

for (const podDefaultRouteNic of ['', 'net1']) {
  const owner = podDefaultRouteNic || 'eth0';
  for (const overlay6 of [undefined, CALICO6]) {
    test(`beside an overlay of ${overlay6 ? 'both families' : 'IPv4 alone'}, the default route on ${owner}: packets that the node forwards to net1’s address are answered through the node`, async () => {
      using site = await new Site().start();
      site.lan.addCalico(cali, CALICO, overlay6);
      await site.addNic('net1', 6, families, ETH0, { podDefaultRouteNic });
      await allAnswerTheClient(site, both(ETH0));
      const own = overlay6 === undefined ? [CALICO] : [CALICO, overlay6];
      await allAnswerTheClient(site, fronts(site, [...both(ETH0), ...own]));
      await site.plugin.check(site.call('net1'));
    });
  }
}

test('two NICs without any default route answer the packets that the node forwards to each', async () => {
  using site = await new Site().start();
  site.plug('eth0', 6, [`${ETH0[4]}/16`, `${ETH0[6]}/64`], []);
  await site.add('eth0');
  site.plug('net1', 7, [`${NET1[4]}/16`, `${NET1[6]}/64`], []);
  await site.add('net1');
  await allAnswerTheClient(site, fronts(site, [...both(ETH0), ...both(NET1)]));
  await site.plugin.check(site.call('net1'));
});

test('beside an overlay of IPv4 alone, net1 without a gateway answers forwarded packets in both families', async () => {
  using site = await new Site().start();
  site.lan.addCalico(cali, CALICO);
  site.plug('net1', 6, [`${ETH0[4]}/16`, `${ETH0[6]}/64`], []);
  await site.add('net1');
  await allAnswerTheClient(site, fronts(site, [...both(ETH0), CALICO]));
  await site.plugin.check(site.call('net1'));
  assert.equal(ask(site.lan.pod, CLIENT[6]), 'ENETUNREACH');
  // Calico's end of eth0 answers ARP for everybody: what only asks must not get out there.
  const bound = ask(site.lan.pod, CLIENT[6], { from: ETH0[6] });
  assert.match(bound, /^(EHOSTUNREACH|silence)$/);
});

test('an overlay of IPv6 alone, loose rp_filter: net1 answers forwarded packets in both families', async () => {
  using site = await new Site().start();
  site.lan.addCalico(cali, CALICO, CALICO6);
  for (const line of ['route del default', 'route del 169.254.1.1', `address del ${CALICO}/32 dev eth0`])
    ip('-n', site.lan.pod, ...line.split(' '));
  await site.addNic('net1', 6, families, ETH0, { podRPFilter: 2 });
  await allAnswerTheClient(site, [...both(ETH0), ...fronts(site, [...both(ETH0), CALICO6])]);
  await site.plugin.check(site.call('net1'));
});
