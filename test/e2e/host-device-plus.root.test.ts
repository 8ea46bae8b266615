// Pods that get a whole NIC of the node, with addresses of a pool and the coordinator: the agent and the C executable.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';

const network: Network = {
  cniVersion: '1.1.0',
  name: 'whole-nic',
  plugins: [
    {
      type: 'host-device-plus',
      device: 'spare0',
      ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] },
    },
    { type: 'coordinator' },
  ],
};

interface LinkShown {
  readonly ifname: string;
  readonly ifalias?: string;
}
const links = () => JSON.parse(runProgram('ip', ['-j', 'link'])) as LinkShown[];
const spare = () => links().find(({ ifname }) => ifname === 'spare0');

if (insideNamespaces(import.meta.filename)) {
  describe('a pod with a NIC of the node', () => {
    const runtime = new Runtime();
    let node: OneNode;

    before(async () => {
      node = await OneNode.start();
      await node.createPools();
      for (const line of [
        'link add spare0 type veth peer name lan-spare0',
        'link set lan-spare0 master lan up',
      ])
        runProgram('ip', line.split(' '));
    });
    after(async () => {
      await runtime.clear();
      await node.stop();
    });

    test('reaches the node over it and over the veth of the coordinator, and gives it back', async () => {
      const sandbox = await Sandbox.ofNewPod(node, 'whole');
      const { ips } = await runtime.add(network, sandbox);
      assert.equal(ips?.length, 2);
      assert.equal(spare(), undefined);
      for (const address of Object.values(nodeAddress))
        assert.match(sandbox.run('ping', '-c1', '-W10', address), /1 received/);
      await runtime.check(network, sandbox);
      await runtime.del(network, sandbox);
      assert.equal(spare()?.ifalias, undefined);
      assert.notEqual(spare(), undefined);
      sandbox.dropNamespace();
    });

    test('keeps it from other pods, also after the agent was killed', async () => {
      const [first, second] = [await Sandbox.ofNewPod(node, 'first'), await Sandbox.ofNewPod(node, 'second')];
      await runtime.add(network, first);
      await node.agent.stop('SIGKILL');
      await node.startAgent();
      await runtime.check(network, first);
      const refused: unknown = await runtime.add(network, second).catch((error: unknown) => error);
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /no NIC with device spare0, or a pod has it already/);
      await runtime.del(network, first);
      await runtime.add(network, second);
      await runtime.del(network, second);
      for (const sandbox of [first, second]) sandbox.dropNamespace();
    });

    test('gives it back by a DEL that came while the agent was away', async () => {
      const sandbox = await Sandbox.ofNewPod(node, 'late');
      await runtime.add(network, sandbox);
      await node.agent.stop('SIGKILL');
      await runtime.del(network, sandbox);
      assert.equal(spare(), undefined);
      await node.startAgent();
      await until('the NIC is back', async () => spare() !== undefined);
      assert.equal(spare()?.ifalias, undefined);
      sandbox.dropNamespace();
    });
  });
}
