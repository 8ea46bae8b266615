import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '#base';
import { primeThreads } from '#kernel';
import { announce } from '#node';
import { quietDetection } from '../testing/fake-detection.ts';
import { ask, ip, NODE, withServer } from './routed-lan-fixture.ts';
import { Site, veth } from './site-fixture.ts';

// Two NICs of a pod on one LAN, and what a neighbour there learns of them by ARP.

const ETH0 = { 4: '10.6.1.5', 6: 'fd00:10:6::1:5' } as const;
const NET1 = { 4: '10.6.1.6', 6: 'fd00:10:6::1:6' } as const;
const tries = 12;

async function twoOnOneLan(site: Site): Promise<void> {
  await site.start();
  await site.addNic('eth0', 6, [4, 6], ETH0);
  await site.addNic('net1', 6, [4, 6], NET1);
}

function macOf(site: Site, nic: string): string {
  const [, mac = ''] = /link\/ether (\S+)/.exec(ip('-n', site.lan.pod, 'link', 'show', nic)) ?? [];
  return mac;
}

/** What the router of the LAN has learned. */
function learned(site: Site, address: string): string | undefined {
  const shown = ip('-n', site.lan.router, 'neighbour', 'show', address, 'dev', 'br6');
  return /lladdr (\S+)/.exec(shown)?.[1];
}

before(primeThreads);

test('two NICs on one LAN: a neighbour always learns the MAC address of the NIC that has the address', async () => {
  using site = new Site();
  await twoOnOneLan(site);
  const { router, pod, node } = site.lan;
  await withServer(pod, () => {
    for (let i = 0; i < tries; i++) {
      for (const [nic, addresses] of [
        ['eth0', ETH0],
        ['net1', NET1],
      ] as const) {
        for (const family of [4, 6] as const) {
          ip('-n', router, 'neighbour', 'flush', 'dev', 'br6');
          assert.match(ask(router, addresses[family]), /hello$/);
          assert.equal(
            learned(site, addresses[family]),
            macOf(site, nic),
            `${addresses[family]}, try ${i + 1}`,
          );
        }
      }
    }
    // veth0 has no address, and answers for all all the same.
    ip('-n', node, 'neighbour', 'flush', 'dev', veth, 'nud', 'permanent');
    for (const addresses of [ETH0, NET1]) assert.equal(ask(node, addresses[4]), `${NODE[4]} hello`);
  });
});

test('the address of the remaining NIC is announced when the other NIC on its LAN leaves, so that neighbours learn its MAC address', async () => {
  let leaves = false;
  using site = new Site({
    ...quietDetection,
    announce: async (one) => (leaves ? announce(one, systemClock) : undefined),
  });
  await twoOnOneLan(site);
  const { router } = site.lan;
  const gone = macOf(site, 'net1');
  ip('-n', router, 'neighbour', 'replace', ETH0[4], 'lladdr', gone, 'dev', 'br6', 'nud', 'stale');
  assert.equal(learned(site, ETH0[4]), gone, 'the symptom');
  // What ADD announces after its answer must not count here.
  await setImmediate();
  leaves = true;
  await site.unplug('net1');
  const until = systemClock.monotonic() + 5000;
  while (learned(site, ETH0[4]) === gone && systemClock.monotonic() < until) await systemClock.sleep(20);
  assert.equal(learned(site, ETH0[4]), macOf(site, 'eth0'));
});
