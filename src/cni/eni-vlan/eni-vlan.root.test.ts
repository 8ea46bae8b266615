// Pods of type `eni-vlan` on a real kernel: two VLANs of one NIC, and a router that has both.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { primeThreads } from '#kernel';
import { needs } from '../../../test/uml/kernel-part.ts';
import { macOf, TrunkSite, vlans } from './eni-vlan-fixture.ts';

before(primeThreads);

describe('pods with a VLAN each on one NIC of the node', needs('vlan'), () => {
  test('reach each other through the router of both VLANs, and DEL leaves nothing', async () => {
    using site = await new TrunkSite().start();
    const nodeLinks = site.onNode('-br', 'link');
    for (const [pod, vlan] of Object.entries(vlans)) {
      const call = site.call(pod);
      const result = await site.plugin.add(call);
      assert.deepEqual(result.interfaces, [
        { name: 'eth0', mac: macOf(vlan), mtu: 1500, sandbox: call.netns },
      ]);
      const address = { address: `10.${vlan}.0.9/24`, gateway: `10.${vlan}.0.1`, interface: 0 };
      assert.deepEqual(result.ips, [address]);
      assert.match(site.inPod(pod, '-d', 'link', 'show', 'eth0'), new RegExp(`802\\.1Q id ${vlan} `));
      await site.plugin.check(site.call(pod, {}, result));
      assert.deepEqual(await site.plugin.add(call), result, 'a repeated ADD');
    }
    assert.match(site.ping('a', '10.102.0.9'), /ttl=63/);
    assert.match(site.ping('b', '10.101.0.9'), /ttl=63/);
    assert.equal(site.onNode('-br', 'link'), nodeLinks, 'nothing is left on the node');
    for (const pod of ['a', 'b', 'a']) await site.plugin.del(site.call(pod));
    assert.deepEqual(site.left(), [[], [], []]);
    assert.equal(site.onNode('-br', 'link'), nodeLinks);
  });
});
