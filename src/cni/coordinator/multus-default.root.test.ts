import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { NETWORKS_ANNOTATION } from '#api';
import { primeThreads } from '#kernel';
import { repairPod } from './repair-fixture.ts';
import { ask, CLIENT, ip, withServer } from './routed-lan-fixture.ts';
import { CALICO, CALICO6, cali, ETH0, NET1, Site } from './site-fixture.ts';

// `default-route` of a network, as Multus does it (multus-cni, pkg/multus and pkg/netutils): after each ADD it deletes the default
// routes of that NIC from main, of both families; for the NIC that asked, it then adds those that were asked for.

const GATEWAYS = { 4: '10.7.0.1', 6: 'fd00:10:7::1' } as const;

interface Case {
  readonly gateways: readonly (4 | 6)[];
  readonly served: boolean;
  readonly tuned: boolean;
  readonly overlay: boolean;
}

function quietly(site: Site, words: readonly string[]): boolean {
  try {
    ip('-n', site.lan.pod, ...words);
    return true;
  } catch {
    return false;
  }
}

/** What Multus does after the ADD of a NIC, with a repair at each moment at which one may come. */
function multus(site: Site, nic: string, gateways: readonly string[]): void {
  repairPod(site);
  for (const family of ['-4', '-6']) {
    while (quietly(site, [family, 'route', 'del', 'default', 'dev', nic]));
  }
  repairPod(site);
  for (const gateway of gateways) quietly(site, ['route', 'add', 'default', 'via', gateway, 'dev', nic]);
  repairPod(site);
}

/** IPv4, IPv6. */
function defaults(site: Site): string[] {
  return ['route', '-6 route'].flatMap((line) =>
    site.lan.show('pod', line).filter((text) => text.startsWith('default')),
  );
}

function annotateDefaults(site: Site, families: readonly (4 | 6)[]): string[] {
  const gateways = families.map((family) => GATEWAYS[family]);
  const network = { name: 'b', namespace: 'default', interface: 'net1', 'default-route': gateways };
  site.annotations = { [NETWORKS_ANNOTATION]: JSON.stringify([network]) };
  return gateways;
}

function expected(families: readonly (4 | 6)[]): string[] {
  return families.map(
    (family) => `default via ${GATEWAYS[family]} dev net1${family === 6 ? ' metric 1024' : ''}`,
  );
}

before(primeThreads);

const cases: Case[] = [true, false].flatMap((served) => [
  { gateways: [4], served, tuned: true, overlay: false },
  { gateways: [4, 6], served, tuned: true, overlay: false },
  { gateways: [4, 6], served, tuned: false, overlay: false },
]);
cases.push(
  { gateways: [6], served: true, tuned: true, overlay: false },
  { gateways: [], served: true, tuned: true, overlay: false },
  { gateways: [4, 6], served: true, tuned: true, overlay: true },
  { gateways: [4], served: true, tuned: false, overlay: true },
);

for (const { gateways: families, served, tuned, overlay } of cases) {
  const asked = families.length === 0 ? 'no gateway' : `gateways of IPv${families.join(' and IPv')}`;
  const how = [
    asked,
    `${served ? 'with' : 'without'} the coordinator on net1`,
    ...(tuned ? [] : ['tunePodRoutes false']),
    ...(overlay ? ['eth0 of an overlay'] : []),
  ];
  test(`the default routes of Multus stay, whenever a repair comes: ${how.join(', ')}`, async () => {
    using site = await new Site().start();
    const gateways = annotateDefaults(site, families);
    const netConf = { tunePodRoutes: tuned };
    if (overlay) site.lan.addCalico(cali, CALICO, CALICO6);
    else await site.addNic('eth0', 6, [4, 6], ETH0, netConf);
    multus(site, 'eth0', []);
    site.plug('net1', 7, [`${NET1[4]}/16`, `${NET1[6]}/64`], [GATEWAYS[4], GATEWAYS[6]]);
    if (served) await site.add('net1', netConf);
    multus(site, 'net1', gateways);
    assert.deepEqual(defaults(site), expected(families));
    if (!overlay) await site.plugin.check(site.call('eth0'));
    if (served) await site.plugin.check(site.call('net1'));
    if (served) {
      ip('-n', site.lan.pod, 'link', 'set', 'net1', 'down');
      ip('-n', site.lan.pod, 'link', 'set', 'net1', 'up');
      repairPod(site);
      assert.deepEqual(defaults(site), expected(families), 'after net1 was down');
    }
    if (!tuned) return;
    await withServer(site.lan.pod, () => {
      for (const family of [4, 6] as const) {
        const addresses = [
          ...(served || families.includes(family) ? [NET1[family]] : []),
          ...(overlay ? [] : [ETH0[family]]),
        ];
        for (const address of addresses)
          assert.equal(ask(site.lan.client, address), `${CLIENT[family]} hello`, address);
      }
    });
  });
}

test('a requested gateway is the default route of net1, and the gateway of its pool is not', async () => {
  using site = await new Site().start();
  const gateways = annotateDefaults(site, [4]);
  await site.addNic('eth0', 6, [4], ETH0);
  multus(site, 'eth0', []);
  site.plug('net1', 7, [`${NET1[4]}/16`], ['10.7.0.254']);
  await site.add('net1');
  assert.deepEqual(defaults(site), expected([4]), 'from our ADD on');
  multus(site, 'net1', gateways);
  assert.deepEqual(defaults(site), expected([4]));
});

test('net1 gets the default route also when Multus deletes none of eth0', async () => {
  using site = await new Site().start();
  annotateDefaults(site, [4, 6]);
  await site.addUnderlay([4, 6]);
  assert.deepEqual(defaults(site), expected([4, 6]));
});

test('eth0 gets its default routes back when net1 leaves', async () => {
  using site = await new Site().start();
  const gateways = annotateDefaults(site, [4, 6]);
  await site.addNic('eth0', 6, [4, 6], ETH0);
  multus(site, 'eth0', []);
  await site.addNic('net1', 7, [4, 6], NET1);
  multus(site, 'net1', gateways);
  await site.unplug('net1');
  const own = ['default via 10.6.0.1 dev eth0', 'default via fd00:10:6::1 dev eth0 metric 1024'];
  assert.deepEqual(defaults(site), own);
  repairPod(site);
  assert.deepEqual(defaults(site), own);
});
