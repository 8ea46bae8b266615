import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isOrbError } from '#base';
import { primeThreads } from '#kernel';
import { ip } from '../../../test/fixtures/ip-command.ts';
import { ADDRESSES, CONTAINER, SpareSite } from './host-device-fixture.ts';

before(primeThreads);

const spare = { device: 'spare1', ipam: ADDRESSES };

describe('a NIC of the node that the configuration names', () => {
  test('is moved to the pod with addresses, routes and MTU, and comes back as it was', async () => {
    using site = await new SpareSite().start();
    site.ip('link', 'set', 'spare1', 'mtu', '1400', 'alias', 'rack 7', 'up');
    const before = site.link('spare1');
    const call = site.call({ ...spare, mtu: 1300 });
    const result = await site.plugin.add(call);
    const nic = { name: 'eth0', sandbox: site.netns, mac: before?.mac, mtu: 1300 };
    assert.deepEqual(result.interfaces, [nic]);
    assert.deepEqual(result.ips, [{ address: '10.6.1.1/16', gateway: '10.6.0.1', interface: 0 }]);
    assert.equal(site.link('spare1'), undefined);
    assert.match(
      ip('-n', site.pod, 'address', 'show', 'dev', 'eth0'),
      /mtu 1300[\s\S]* inet 10\.6\.1\.1\/16 /,
    );
    assert.match(ip('-n', site.pod, 'route'), /^default via 10\.6\.0\.1 dev eth0/);
    await site.plugin.check(site.call(spare, result));
    assert.deepEqual(await site.plugin.add(call), result);
    await site.plugin.del(call);
    const after = site.link('spare1');
    assert.deepEqual(
      [after?.mac, after?.mtuBytes, after?.alias, after?.up],
      [before?.mac, 1400, 'rack 7', true],
    );
    assert.deepEqual([site.link('eth0', site.pod), site.attachments.all()], [undefined, []]);
    assert.equal(site.ipam.held.size, 0);
    await site.plugin.del(call);
  });

  test('fails the CHECK of its pod that lacks an address or a route', async () => {
    using site = await new SpareSite().start();
    const call = site.call(spare);
    const result = await site.plugin.add(call);
    const broken = async (message: RegExp, ...words: string[]) => {
      ip('-n', site.pod, ...words);
      await assert.rejects(site.plugin.check(site.call(spare, result)), {
        code: 'CNI_CHECK_FAILED',
        message,
      });
    };
    ip('-n', site.pod, 'route', 'add', 'default', 'via', '10.6.0.1', 'table', '100');
    ip('-n', site.pod, 'route', 'del', 'default');
    await site.plugin.check(site.call(spare, result));
    await broken(/the route of eth0 to 0\.0\.0\.0\/0 is missing/, 'route', 'flush', 'table', '100');
    await broken(/address 10\.6\.1\.1\/16 of eth0 is missing/, 'address', 'flush', 'dev', 'eth0');
    await broken(/interface eth0 is down/, 'link', 'set', 'eth0', 'down');
    await site.plugin.del(call);
  });

  test('can be named by MAC address, by device path and by PCI address', async () => {
    using site = await new SpareSite().start();
    const device = '/sys/devices/pci0000:00/0000:00:05.0';
    site.sysfs.set(device, ['spare1']).set('/sys/bus/pci/devices/0000:00:05.0', ['spare1']);
    const mac = site.link('spare1')?.mac;
    for (const conf of [
      { hwaddr: mac?.toUpperCase() },
      { kernelpath: device },
      { pciBusID: '0000:00:05.0' },
      { device: 'spare2', runtimeConfig: { deviceID: '0000:00:05.0' } },
    ]) {
      const { interfaces } = await site.plugin.add(site.call(conf));
      assert.equal(interfaces?.[0]?.mac, mac);
      await site.plugin.del(site.call(conf));
      assert.equal(site.link('spare1')?.mac, mac);
    }
  });

  test('is not taken while somebody uses it', async () => {
    using site = await new SpareSite().start();
    const refused = async (device: string, message: RegExp) => {
      const added = site.plugin.add(site.call({ device }));
      await assert.rejects(added, { code: 'HOST_DEVICE_UNUSABLE', message });
      assert.notEqual(site.link(device), undefined);
      assert.deepEqual(site.attachments.all(), []);
    };
    await refused('eth0', /the default route of the node leads through it/);
    await refused('lo', /it is the loopback interface/);
    site.ip('address', 'add', '10.9.0.1/24', 'dev', 'spare1');
    await refused('spare1', /it has address 10\.9\.0\.1\/24/);
    site.ip('address', 'del', '10.9.0.1/24', 'dev', 'spare1');
    site.ip('link', 'set', 'spare1', 'up');
    site.ip('route', 'add', '10.10.0.0/16', 'dev', 'spare1', 'table', '7');
    await refused('spare1', /a route to 10\.10\.0\.0\/16 leads through it/);
    site.ip('route', 'del', '10.10.0.0/16', 'dev', 'spare1', 'table', '7');
    site.ip('link', 'add', 'child', 'link', 'spare1', 'type', 'macvlan');
    await refused('spare1', /child is made on it/);
    site.ip('link', 'del', 'child');
    site.ip('link', 'add', 'bridge0', 'type', 'bridge');
    site.ip('link', 'set', 'spare1', 'master', 'bridge0');
    await refused('spare1', /it is a port of bridge0/);
  });

  test('is not taken while a NIC of another pod is made on it, or from another pod', async () => {
    using site = await new SpareSite().start();
    await site.plugin.add(site.call({ device: 'spare1' }));
    site.ip('link', 'add', 'mv', 'link', 'spare2', 'netns', site.pod, 'type', 'macvlan');
    const other = (device: string) => site.plugin.add(site.call({ device }, undefined, 'net1'));
    await assert.rejects(other('spare2'), /a NIC of another pod is made on it/);
    await assert.rejects(other('spare1'), /this node has no NIC with device spare1, or a pod has it already/);
    assert.equal(site.link('eth0', site.pod)?.alias, `orbweaver:spare1:eth0:${CONTAINER}`);
  });

  test('goes back when the source of addresses refuses', async () => {
    using site = await new SpareSite().start();
    const requested = { ...spare, runtimeConfig: { ips: ['10.6.1.9'] } };
    await assert.rejects(site.plugin.add(site.call(requested)), { code: 'ADDRESS_REQUEST_UNSERVED' });
    assert.equal(site.link('spare1')?.alias, undefined);
    assert.deepEqual([site.link('eth0', site.pod), site.attachments.all()], [undefined, []]);
    const unknown = site.plugin.add(site.call({ device: 'spare1', ipam: { type: 'host-local' } }));
    await assert.rejects(unknown, /ipam\.type is "host-local", and host-device-plus can ask spiderpool/);
  });

  test('gets another name when its own is taken meanwhile, and is found without the record', async () => {
    using site = await new SpareSite().start();
    const { interfaces } = await site.plugin.add(site.call(spare));
    site.ip('link', 'add', 'spare1', 'link', 'spare2', 'type', 'macvlan');
    await site.attachments.removePart({ containerId: CONTAINER, interfaceName: 'eth0' }, {
      name: 'host-device',
    } as never);
    await site.plugin.del(site.call(spare));
    assert.equal(site.link('eth0', site.pod), undefined);
    assert.match(site.ip('-o', 'link'), new RegExp(`\\d+: dev\\d+[@:][^\\n]*${interfaces?.[0]?.mac}`));
  });
});

describe('the NIC of a pod whose namespace has ended', () => {
  test('gets its name back where the kernel has put it, also some time after the DEL came', async () => {
    using site = await new SpareSite().start();
    for (const late of [false, true]) {
      const { interfaces } = await site.plugin.add(site.call(spare));
      // As the kernel does it with a NIC that is no virtual link. Those of this test would be deleted.
      const back = () => ip('-n', site.pod, 'link', 'set', 'eth0', 'netns', site.node, 'name', 'dev99');
      ip('-n', site.pod, 'link', 'set', 'eth0', 'down');
      if (!late) back();
      const limbo = `${site.pod}-limbo`;
      if (late) {
        ip('netns', 'add', limbo);
        ip('-n', site.pod, 'link', 'set', 'eth0', 'netns', limbo);
        pretendPhysical(site);
      }
      ip('netns', 'del', site.pod);
      const deleted = site.plugin.del(site.call(spare));
      if (late) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        ip('-n', limbo, 'link', 'set', 'eth0', 'netns', site.node, 'name', 'dev99');
        ip('netns', 'del', limbo);
      }
      await deleted;
      assert.equal(site.link('spare1')?.mac, interfaces?.[0]?.mac);
      assert.deepEqual([site.link('dev99'), site.link('spare1')?.alias], [undefined, undefined]);
      site.addPod();
    }
  });

  test('that the kernel has deleted does not stop the DEL', async () => {
    using site = await new SpareSite().start();
    await site.plugin.add(site.call(spare));
    ip('netns', 'del', site.pod);
    await site.plugin.del(site.call(spare));
    assert.deepEqual([site.attachments.all(), site.ipam.held.size], [[], 0]);
    site.addPod();
  });
});

/** The links of tests are virtual; a record says so. */
function pretendPhysical(site: SpareSite): void {
  const [record] = site.attachments.all();
  const part = record?.parts?.['host-device'] as { nic: { virtual: boolean } };
  part.nic.virtual = false;
}

test('an agent that dies at any step leaves a NIC that the DEL of the next agent brings back', async () => {
  using site = new SpareSite();
  let died = 0;
  for (let steps = 0; ; steps++) {
    await site.start(steps);
    const added = await site.plugin.add(site.call(spare)).catch((error: unknown) => error);
    await site.start();
    if (!isOrbError(added)) break;
    died++;
    await site.plugin.del(site.call(spare));
    assert.equal(site.link('spare1')?.alias, undefined, `after ${steps} steps`);
    assert.deepEqual(
      [site.link('eth0', site.pod), site.attachments.all(), site.ipam.held.size],
      [undefined, [], 0],
      `after ${steps} steps`,
    );
  }
  assert.ok(died >= 6, `it died ${died} times`);
  for (let steps = 0; ; steps++) {
    await site.start(steps);
    const deleted = await site.plugin.del(site.call(spare)).catch((error: unknown) => error);
    await site.start();
    await site.plugin.del(site.call(spare));
    assert.notEqual(site.link('spare1'), undefined, `after ${steps} steps of the DEL`);
    assert.deepEqual(site.attachments.all(), []);
    if (!isOrbError(deleted)) break;
    await site.plugin.add(site.call(spare));
  }
});

test('an ADD that is repeated after the death of the agent begins anew', async () => {
  using site = new SpareSite();
  for (let steps = 1; ; steps++) {
    await site.start(steps);
    const added = await site.plugin.add(site.call(spare)).catch((error: unknown) => error);
    await site.start();
    if (!isOrbError(added)) break;
    const { ips } = await site.plugin.add(site.call(spare));
    assert.equal(ips?.length, 1, `after ${steps} steps`);
    await site.plugin.del(site.call(spare));
  }
});
