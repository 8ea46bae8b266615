// The chain of a bridge and the coordinator on a real agent. The bridge plugin's CHECK finds its links in our result.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { OneNode } from './one-node.ts';
import { type Network, Runtime, Sandbox } from './runtime.ts';

const network: Network = {
  cniVersion: '1.0.0',
  name: 'bridged',
  plugins: [{ type: 'bridge', bridge: 'brx', ipam: { type: 'spiderpool' } }, { type: 'coordinator' }],
};

const annotations = { 'ipam.spidernet.io/ippool': '{"ipv4": ["v4"], "ipv6": ["v6"]}' };

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  let node: OneNode;

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    // The bridge remains when its last pod goes. So it must exist before the first comparison.
    const sandbox = await Sandbox.ofNewPod(node, 'first', { annotations });
    await runtime.add(network, sandbox);
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  test('CHECK of the bridge plugin and of the coordinator behind it passes after ADD', async () => {
    const sandbox = await Sandbox.ofNewPod(node, 'second', { annotations });
    const result = await runtime.add(network, sandbox);
    const names = (result.interfaces ?? []).map(({ name }) => name);
    assert.deepEqual([names[0], names[2], names.at(-1)], ['brx', 'eth0', 'veth0']);
    for (const ip of result.ips ?? []) assert.equal(names[ip.interface ?? -1], 'eth0');
    await runtime.check(network, sandbox);
    await runtime.del(network, sandbox);
  });
}
