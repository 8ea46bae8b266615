import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { runReferencePlugin, skipWithout } from './reference-plugin-fixture.ts';
import { repairPod } from './repair-fixture.ts';
import { ask, CLIENT, NODE, withServer } from './routed-lan-fixture.ts';
import { containerId, Site } from './site-fixture.ts';

// The plugin `sbr` takes a NIC's routes out of main into the first table from 100 on that no rule leads to: it does not ask what is in it.

const SBR_NET = { 4: '10.7.1.5', 6: 'fd00:10:7::1:5' } as const;
const ETH0 = { 4: '10.6.1.5', 6: 'fd00:10:6::1:5' } as const;
const NET2 = { 4: '10.6.1.6', 6: 'fd00:10:6::1:6' } as const;
const gateways = ['10.7.0.1', 'fd00:10:7::1'];
const skip = skipWithout('sbr');

/** net1 without the coordinator: a NIC, and `sbr` behind it. */
function addWithSbr(site: Site): void {
  plugNet1(site);
  runSbr(site);
}

/**
 * The reference plugins add no second default route: the first one stays (`ConfigureIface` passes over EEXIST). With two
 * IPv6 routes of one metric, the kernel spreads connections over both by a hash with a seed of its own.
 */
function plugNet1(site: Site): void {
  const hasDefault = site.lan.raw('pod', '-6 route show default').length > 0;
  const added = hasDefault ? gateways.slice(0, 1) : gateways;
  site.plug('net1', 7, [`${SBR_NET[4]}/16`, `${SBR_NET[6]}/64`], added);
}

function runSbr({ lan }: Site): void {
  const netns = lan.path(lan.pod);
  const cidrs = [`${SBR_NET[4]}/16`, `${SBR_NET[6]}/64`];
  const ips = cidrs.map((address, i) => ({ address, gateway: gateways[i], interface: 0 }));
  const prevResult = { cniVersion: '1.0.0', interfaces: [{ name: 'net1', sandbox: netns }], ips };
  const conf = { type: 'sbr', prevResult };
  runReferencePlugin(lan.node, { command: 'ADD', containerId, interfaceName: 'net1', netns, conf });
}

/** What tables and rules of others hold. */
function foreign(site: Site): string[] {
  const lines = ['rule', '-6 rule', 'route show table all', '-6 route show table all'];
  return lines.flatMap((line) =>
    site.lan.raw('pod', line).filter((text) => !text.includes('proto 79') && !text.includes('proto kernel')),
  );
}

function reaches(site: Site, addresses: Readonly<Record<4 | 6, string>>): void {
  for (const family of [4, 6] as const) {
    assert.equal(ask(site.lan.client, addresses[family]), `${CLIENT[family]} hello`, addresses[family]);
  }
}

before(primeThreads);

for (const order of [
  ['eth0', 'net1', 'net2'],
  ['net1', 'eth0', 'net2'],
] as const) {
  test(`${order.join(', then ')}: a client behind a router reaches the NIC of sbr before, during and after net2`, {
    skip,
  }, async () => {
    using site = await new Site().start();
    await withServer(site.lan.pod, async () => {
      for (const name of order.slice(0, 2)) {
        if (name === 'net1') addWithSbr(site);
        else await site.addNic('eth0', 6, [4, 6], ETH0);
      }
      const left = foreign(site);
      reaches(site, SBR_NET);
      reaches(site, ETH0);
      await site.addNic('net2', 6, [4, 6], NET2);
      reaches(site, SBR_NET);
      reaches(site, NET2);
      for (const family of [4, 6] as const) {
        assert.equal(ask(site.lan.node, NET2[family]), `${NODE[family]} hello`, 'the node and net2');
        assert.equal(ask(site.lan.node, ETH0[family]), `${NODE[family]} hello`, 'the node and eth0');
      }
      await site.plugin.check(site.call('eth0'));
      await site.plugin.check(site.call('net2'));
      await site.unplug('net2');
      reaches(site, SBR_NET);
      reaches(site, ETH0);
      await site.plugin.check(site.call('eth0'));
      assert.deepEqual(foreign(site), left, 'nothing of others has changed');
    });
  });
}

/** Routes of the user's by net1's gateways, which `sbr` leaves without a route of main. */
const policyRoutes = [
  { dst: '10.99.0.0/24', gw: '10.7.0.1' },
  { dst: 'fd00:10:99::/64', gw: 'fd00:10:7::1' },
];

for (const netConf of [{}, { policyRoutes }]) {
  const what = 'policyRoutes' in netConf ? 'with policy routes' : 'without policy routes';
  for (const isBefore of [true, false]) {
    const order = isBefore ? 'before the coordinator' : 'behind the coordinator';
    test(`sbr ${order} on net1, ${what}: ADD, repair and CHECK pass, and all NICs are reached`, {
      skip,
    }, async () => {
      using site = await new Site().start();
      await site.addNic('eth0', 6, [4, 6], ETH0);
      plugNet1(site);
      if (isBefore) runSbr(site);
      await site.add('net1', netConf);
      if (!isBefore) runSbr(site);
      // Behind us, sbr takes our routes out of main too.
      repairPod(site);
      assert.deepEqual(repairPod(site), []);
      await site.addNic('net2', 6, [4, 6], NET2);
      for (const name of ['eth0', 'net1', 'net2']) await site.plugin.check(site.call(name));
      if ('policyRoutes' in netConf) {
        const main = ['route', '-6 route'].flatMap((line) => site.lan.show('pod', line));
        for (const { dst, gw } of policyRoutes)
          assert.ok(
            main.some((text) => text.startsWith(`${dst} via ${gw} dev net1`)),
            dst,
          );
      }
      await withServer(site.lan.pod, () => {
        for (const addresses of [ETH0, SBR_NET, NET2]) reaches(site, addresses);
      });
    });
  }
}
