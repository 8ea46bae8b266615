// Pods of type `eni-vlan` on a real kernel: two VLANs of one NIC, and a router that has both.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOrbError, OrbError } from '#base';
import { parseAddress } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { needs } from '../../../test/uml/kernel-part.ts';
import { macOf, TrunkSite, vlans } from './eni-vlan-fixture.ts';

before(primeThreads);

const nothing = [[], [], []];

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
    assert.deepEqual(site.left(), nothing);
    assert.equal(site.onNode('-br', 'link'), nodeLinks);
  });

  test('keep addresses and routes while the master is down for a moment', async () => {
    using site = await new TrunkSite().start();
    const result = await site.plugin.add(site.call('a'));
    site.onNode('link', 'set', 'eth1', 'down');
    site.onNode('link', 'set', 'eth1', 'up');
    await site.plugin.check(site.call('a', {}, result));
    assert.match(site.ping('a', '10.102.0.1'), /1 received/);
  });

  test('have their link, with VLAN and MAC address, before their address is probed', async () => {
    using site = new TrunkSite();
    const probed: (string | number | undefined)[][] = [];
    site.detection = {
      ...site.detection,
      conflict: true,
      probe: async ({ nic }) => {
        const [link] = site.links('a');
        probed.push([nic, link?.name, link?.vlanId, link?.mac]);
        site.ipam.chosen = { a: 102 };
        const address = parseAddress('10.101.0.9');
        return probed.length > 1 ? { kind: 'free' } : { kind: 'conflict', address, mac: '02:00:00:00:00:99' };
      },
    };
    await site.start();
    const { ips } = await site.plugin.add(site.call('a'));
    // The first address is in use, and the source chooses another one with another VLAN.
    assert.deepEqual(probed, [
      ['eth0', 'eth0', 101, macOf(101)],
      ['eth0', 'eth0', 102, macOf(102)],
    ]);
    assert.deepEqual(
      [ips?.[0]?.address, site.links('a').map(({ vlanId }) => vlanId)],
      ['10.102.0.9/24', [102]],
    );
  });

  test('cannot have the VLAN of another interface: the error names it, and nothing is left', async () => {
    using site = await new TrunkSite().start();
    site.ipam.chosen = { a: 101, b: 101 };
    await site.plugin.add(site.call('a'));
    const taken = async (message: RegExp) => {
      await assert.rejects(site.plugin.add(site.call('b')), { code: 'ENI_VLAN_TAKEN', message });
      assert.deepEqual([site.links('b'), [...site.ipam.held.keys()]], [[], ['uid-a eth0']]);
    };
    await taken(
      /^VLAN 101 on master eth1 is taken: interface eth0 of pod default\/a in \/run\/netns\/\S+-pod-a has it/,
    );
    await site.plugin.del(site.call('a'));
    site.onNode('link', 'add', 'link', 'eth1', 'name', 'storage', 'type', 'vlan', 'id', '101');
    site.ipam.held.set('uid-a eth0', '10.6.1.99');
    await taken(/interface storage of this node has it/);
    site.onNode('link', 'del', 'storage');
    await site.plugin.add(site.call('b'));
  });

  test('whose namespace has lost its name: the error of the next one names a process that keeps it', async () => {
    using site = await new TrunkSite().start();
    site.ipam.chosen = { a: 101, b: 101 };
    await site.plugin.add(site.call('a'));
    const keeper = spawn('nsenter', [`--net=${site.netns('a')}`, 'sleep', 'infinity'], { stdio: 'ignore' });
    const own = readlinkSync('/proc/self/ns/net');
    while (readlinkSync(`/proc/${keeper.pid}/ns/net`) === own) await sleep(5);
    try {
      site.dropPod('a');
      const message = new RegExp(`eth0 of pod default/a in /proc/${keeper.pid}/ns/net has it`);
      await assert.rejects(site.plugin.add(site.call('b')), { code: 'ENI_VLAN_TAKEN', message });
    } finally {
      keeper.kill('SIGKILL');
    }
    // The kernel ends the namespace in the background, and this ADD waits for it.
    await site.plugin.add(site.call('b'));
    assert.deepEqual(
      site.links('b').map(({ vlanId }) => vlanId),
      [101],
    );
  });

  test('whose namespace only an open file keeps: the error says so', async () => {
    using site = await new TrunkSite().start();
    site.ipam.chosen = { a: 101, b: 101 };
    await site.plugin.add(site.call('a'));
    const keeper = openNamespace(site.netns('a'));
    try {
      site.dropPod('a');
      const message = /^VLAN 101 on master eth1 is taken: .* no name and no process/;
      await assert.rejects(site.plugin.add(site.call('b')), { code: 'ENI_VLAN_TAKEN', message });
    } finally {
      keeper.close();
    }
    await site.plugin.add(site.call('b'));
  });

  test('are refused without a provider, a master or room for the MTU, and nothing is left', async () => {
    using site = await new TrunkSite().start();
    const refused = async (conf: object, code: string, message: RegExp) => {
      await assert.rejects(site.plugin.add(site.call('a', conf)), { code, message });
      assert.deepEqual(site.left(), nothing, message.source);
    };
    await refused({ master: 'eth9' }, 'INPUT_INVALID', /master: "eth9" is not an interface of this node/);
    await refused({ mtu: 9000 }, 'INPUT_INVALID', /mtu: 9000 is larger than the 1500 of master eth1/);
    await refused(
      { ipam: { type: 'host-local' } },
      'INPUT_INVALID',
      /ipam\.type: "host-local" is not one of/,
    );
    site.ipam.failure = new OrbError('KUBE_UNREACHABLE', { message: 'no server' });
    await assert.rejects(site.plugin.add(site.call('a')), { code: 'KUBE_UNREACHABLE' });
    site.ipam.failure = undefined;
    await site.plugin.del(site.call('a'));
    site.ipam.chosen = {};
    await refused({}, 'ENI_VLAN_UNCHOSEN', /this network needs a network provider/);
    site.inPod('a', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far');
    await assert.rejects(site.plugin.add(site.call('a')), /interface eth0 is in \S+ already/);
    await site.plugin.del(site.call('a'));
    assert.equal(site.links('a').length, 2, 'the DEL of a refused ADD takes no link of others');
  });

  test('get the MTU of the master or the configured one', async () => {
    using site = await new TrunkSite().start();
    site.onNode('link', 'set', 'eth1', 'mtu', '1450');
    assert.equal((await site.plugin.add(site.call('a'))).interfaces?.[0]?.mtu, 1450);
    assert.equal((await site.plugin.add(site.call('b', { mtu: 1300 }))).interfaces?.[0]?.mtu, 1300);
  });

  test('fail CHECK with each thing that is missing or changed', async () => {
    using site = await new TrunkSite().start();
    const result = await site.plugin.add(site.call('a'));
    const check = () => site.plugin.check(site.call('a', {}, result));
    const broken = async (message: RegExp, ...words: string[]) => {
      site.inPod('a', ...words);
      await assert.rejects(check(), { code: 'CNI_CHECK_FAILED', message });
    };
    await assert.rejects(site.plugin.check(site.call('a')), /prevResult is missing/);
    await broken(/route of eth0 to 0\.0\.0\.0\/0 is missing/, 'route', 'del', 'default');
    site.inPod('a', 'route', 'add', 'default', 'via', '10.101.0.1');
    await check();
    await broken(/has MTU 1400, and had 1500/, 'link', 'set', 'eth0', 'mtu', '1400');
    site.inPod('a', 'link', 'set', 'eth0', 'mtu', '1500');
    await broken(
      /has MAC address 0a:00:00:00:00:01, and had /,
      'link',
      'set',
      'eth0',
      'address',
      '0a:00:00:00:00:01',
    );
    site.inPod('a', 'link', 'set', 'eth0', 'address', macOf(101));
    await check();
    site.ipam.held.clear();
    await assert.rejects(check(), /is not held for this pod in IPPool v4/);
    await broken(/address 10\.101\.0\.9\/24 of eth0 is missing/, 'address', 'flush', 'dev', 'eth0');
    await broken(/interface eth0 is missing/, 'link', 'del', 'eth0');
    await assert.rejects(
      site.plugin.check(site.call('b', {}, result)),
      /no VLAN is recorded for interface eth0/,
    );
  });

  test('are deleted without their namespace, without a record, and whatever the pod did to the link', async () => {
    using site = await new TrunkSite().start();
    await site.plugin.add(site.call('a'));
    site.dropPod('a');
    await site.plugin.del(site.call('a'));
    assert.deepEqual(site.left(), nothing, 'without the namespace');
    await site.plugin.add(site.call('a'));
    site.inPod('a', 'link', 'set', 'eth0', 'down');
    site.inPod('a', 'link', 'set', 'eth0', 'name', 'mine', 'alias', 'mine');
    await site.plugin.del(site.call('a'));
    assert.deepEqual(site.left(), nothing, 'a link that the pod has renamed');
    await site.plugin.add(site.call('a'));
    for (const record of site.attachments.all()) {
      await site.attachments.removePart(record, { name: 'eni-vlan' } as never);
      await site.attachments.removePart(record, { name: 'ipam' } as never);
    }
    await site.plugin.del(site.call('a'));
    assert.deepEqual(site.left(), nothing, 'without the record');
  });

  test('are removed by GC unless it lists them, and STATUS says why none could be added', async () => {
    using site = await new TrunkSite().start();
    for (const pod of ['a', 'b']) await site.plugin.add(site.call(pod));
    const valid = [{ containerID: 'container-a', ifname: 'eth0' }];
    await site.plugin.gc(site.call('a', { 'cni.dev/valid-attachments': valid }));
    assert.deepEqual([site.links('a').length, site.links('b').length], [1, 0]);
    assert.deepEqual([...site.ipam.held.keys()], ['uid-a eth0']);
    await site.plugin.gc(site.call('a', { 'cni.dev/valid-attachments': [] }));
    assert.deepEqual(site.left(), nothing);
    await site.plugin.status(site.call('a'));
    site.notReady = 'the cluster is not read yet';
    await assert.rejects(site.plugin.status(site.call('a')), { code: 'AGENT_NOT_READY' });
  });

  test('go without their addresses while the server is away, which a later DEL gives back', async () => {
    using site = await new TrunkSite().start();
    await site.plugin.add(site.call('a'));
    site.ipam.failure = new OrbError('KUBE_UNREACHABLE', { message: 'no server' });
    await assert.rejects(site.plugin.del(site.call('a')), { code: 'KUBE_UNREACHABLE' });
    assert.deepEqual(site.links('a'), []);
    site.ipam.failure = undefined;
    await site.plugin.del(site.call('a'));
    assert.deepEqual(site.left(), nothing);
  });

  test('of an agent that dies at any step are removed by the next agent, or made anew', async () => {
    using site = new TrunkSite();
    const call = site.call('a');
    let died = 0;
    for (let steps = 0; ; steps++) {
      await site.start(steps);
      const added = await site.plugin.add(call).catch((error: unknown) => error);
      await site.start();
      if (!isOrbError(added)) break;
      died++;
      if (steps % 2 === 0) assert.equal((await site.plugin.add(call)).ips?.length, 1, `after ${steps} steps`);
      await site.plugin.del(call);
      assert.deepEqual(site.left(), nothing, `after ${steps} steps`);
    }
    assert.ok(died >= 8, `it died ${died} times`);
    for (let steps = 0; ; steps++) {
      await site.start(steps);
      const deleted = await site.plugin.del(call).catch((error: unknown) => error);
      await site.start();
      await site.plugin.del(call);
      assert.deepEqual(site.left(), nothing, `after ${steps} steps of the DEL`);
      if (!isOrbError(deleted)) break;
      await site.plugin.add(call);
    }
  });
});
