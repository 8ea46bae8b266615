import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { repairPod } from './repair-fixture.ts';
import { ask, CLIENT, ip, NODE, withServer } from './routed-lan-fixture.ts';
import { CALICO, CALICO6, cali, Site } from './site-fixture.ts';

// Pods of several NICs after one of them was down: the kernel has dropped its addresses and routes, and sources of other links' routes.

before(primeThreads);

for (const netConf of [{}, { podDefaultRouteNic: 'net1' }]) {
  const wanted = 'podDefaultRouteNic' in netConf ? 'net1' : 'eth0';
  for (const nic of ['eth0', 'net1']) {
    test(`underlay, the default route on ${wanted}: after ${nic} was down, repair restores everything, sources of IPv6 routes too`, async () => {
      using site = await new Site().start();
      await site.addUnderlay([4, 6], netConf);
      await flap(site, nic);
    });
  }

  test(`beside an overlay, the default route on ${wanted}: after net1 was down, repair restores everything`, async () => {
    using site = await new Site().start();
    site.lan.addCalico(cali, CALICO, CALICO6);
    await site.addNic('net1', 6, [4, 6], { 4: '10.6.212.227', 6: 'fd00:10:6::227' }, netConf);
    await flap(site, 'net1');
  });
}

async function flap(site: Site, nic: string): Promise<void> {
  const { lan } = site;
  const healthy = site.everything();
  ip('-n', lan.pod, 'link', 'set', nic, 'down');
  ip('-n', lan.pod, 'link', 'set', nic, 'up');
  assert.notDeepEqual(site.everything(), healthy, 'the symptom');
  assert.ok(repairPod(site).length > 0);
  assert.deepEqual(site.everything(), healthy);
  assert.deepEqual(repairPod(site), []);
  await site.plugin.check(site.call('net1'));
  const [, six] = /inet6 (fd\S+)\/64/.exec(ip('-n', lan.pod, 'address', 'show', 'dev', 'net1')) ?? [];
  await withServer(lan.pod, () => {
    assert.equal(ask(lan.client, six ?? ''), `${CLIENT[6]} hello`);
    assert.equal(ask(lan.node, six ?? ''), `${NODE[6]} hello`);
  });
}

/** What agents before this one made: no table of the NIC that main serves, no marks beside an overlay. */
function asOlderAgentsLeftIt({ lan }: Site, isOverlay: boolean): void {
  const pod = (line: string) => ip('-n', lan.pod, ...line.split(' '));
  const hasTable = (table: number) =>
    lan.show('pod', 'route show table all').some((line) => line.includes(`table ${table}`));
  for (const family of ['-4', '-6']) {
    for (const rule of lan.show('pod', `${family} rule`).filter((line) => line.includes('lookup 99')))
      pod(`${family} rule del ${rule.slice(rule.indexOf(':') + 2)}`);
    if (isOverlay) pod(`${family} rule del pref 1000`);
    if (hasTable(99)) pod(`${family} route flush table 99`);
  }
  if (isOverlay) ip('netns', 'exec', lan.pod, 'nft', 'delete', 'table', 'inet', 'orbweaver');
}

for (const podDefaultRouteNic of ['', 'net1']) {
  const wanted = podDefaultRouteNic || 'eth0';
  for (const isOverlay of [false, true]) {
    test(`a pod of an older agent ${isOverlay ? 'beside an overlay' : 'of two NICs'}, the default route on ${wanted}: repair adds the missing objects`, async () => {
      using site = await new Site().start();
      const { lan } = site;
      if (isOverlay) {
        lan.addCalico(cali, CALICO, CALICO6);
        await site.addNic(
          'net1',
          6,
          [4, 6],
          { 4: '10.6.212.227', 6: 'fd00:10:6::227' },
          { podDefaultRouteNic },
        );
      } else await site.addUnderlay([4, 6], { podDefaultRouteNic });
      const made = site.everything();
      asOlderAgentsLeftIt(site, isOverlay);
      assert.notDeepEqual(site.everything(), made);
      assert.ok(repairPod(site).length > 0);
      assert.deepEqual(site.everything(), made);
      assert.deepEqual(repairPod(site), []);
      await site.plugin.check(site.call('net1'));
    });
  }
}
