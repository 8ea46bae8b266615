import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parseCniEnvironment, parseNetConf } from '#api';
import { silentLogger } from '#base';
import { refusal } from '#net';
import { FakeNamespace } from '#net/testing';
import { IfacerPlugin } from './ifacer.ts';
import type { NetnsCall } from './plugin.ts';

let node: FakeNamespace;
let plugin: IfacerPlugin;

beforeEach(() => {
  node = new FakeNamespace();
  node.addLink({ name: 'eth1', up: true });
  node.addLink({ name: 'eth2', up: true });
  plugin = new IfacerPlugin({ node, openNamespace: async () => new FakeNamespace() });
});

function call(conf: object): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'one',
    CNI_IFNAME: 'eth0',
    CNI_NETNS: '/run/netns/pod',
  }) as NetnsCall['environment'];
  const stdin = JSON.stringify({ cniVersion: '0.3.1', name: 'net', type: 'ifacer', ...conf });
  const signal = new AbortController().signal;
  return { conf: parseNetConf(stdin), environment, netns: '/run/netns/pod', signal, log: silentLogger };
}

const names = () => node.links().map(({ name }) => name);

test('ADD makes the parent and returns an empty result, and a repeated ADD changes nothing', async () => {
  const asked = call({ interfaces: ['eth1'], vlanid: 100 });
  assert.deepEqual(await plugin.add(asked), {});
  assert.deepEqual(names(), ['lo', 'eth1', 'eth2', 'eth1.100']);
  const changes = node.changes.length;
  await plugin.add(asked);
  assert.equal(node.changes.length, changes);
});

test('the next ADD makes parents again that a reboot removed, and CHECK reports them until then', async () => {
  const asked = call({
    interfaces: ['eth1', 'eth2'],
    bond: { name: 'bond0', mode: 4, options: 'lacp_rate=1' },
    vlanID: 7,
  });
  await plugin.add(asked);
  const asking = { ...asked, conf: { ...asked.conf, prevResult: {} } };
  await plugin.check(asking);
  await assert.rejects(plugin.check(asked), { code: 'INPUT_INVALID', message: /^prevResult is missing/ });
  node.change([
    { verb: 'delete', kind: 'link', name: 'bond0.7' },
    { verb: 'delete', kind: 'link', name: 'bond0' },
  ]);
  await assert.rejects(plugin.check(asking), {
    code: 'CNI_CHECK_FAILED',
    message: 'bond interface bond0 is missing; vlan interface bond0.7 is missing',
  });
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth1', master: null } }]);
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth2', master: null } }]);
  await plugin.add(asked);
  await plugin.check(asking);
});

test('nothing is made for a pod that is gone', async () => {
  const gone = refusal({
    doing: 'open it',
    subject: 'it',
    errno: 'ENOENT',
    words: 'No such file or directory',
  });
  plugin = new IfacerPlugin({
    node,
    openNamespace: async () => {
      throw gone;
    },
  });
  await assert.rejects(plugin.add(call({ interfaces: ['eth1'], vlanID: 100 })), gone);
  assert.deepEqual(node.changes, []);
});

test('DEL and GC remove nothing that other pods share', async () => {
  await plugin.add(call({ interfaces: ['eth1'], vlanID: 100 }));
  const before = names();
  await plugin.del();
  await plugin.gc();
  assert.deepEqual(names(), before);
});

for (const [conf, message] of [
  [{}, /interfaces: .*invalid config: interfaces have at least one interface/],
  [{ interfaces: [] }, /invalid config: interfaces have at least one interface/],
  [{ interfaces: ['eth1'], vlanID: 4095 }, /vlanID: 4095 invalid vlan tag/],
  [{ interfaces: ['eth1', 'eth2'], bond: { mode: 7 } }, /bond\.mode: 7 invalid bond mode/],
  [{ interfaces: ['a/b'] }, /interfaces\[0\]/],
] as const) {
  test(`a configuration with ${JSON.stringify(conf)} is refused`, async () => {
    await assert.rejects(plugin.add(call(conf)), { code: 'INPUT_INVALID', message });
    assert.deepEqual(node.changes, []);
  });
}
