// Pods of type `eni-vlan` with a real agent: their VLANs and MAC addresses are those that the provider of their pool has
// made ready, and the coordinator leads to their node.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resources } from '#api';
import { needs } from '../uml/kernel-part.ts';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, nodeNic, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';

const network = (pool: string): Network => ({
  ...{ cniVersion: '1.1.0', name: 'eni' },
  plugins: [
    {
      ...{ type: 'eni-vlan', master: nodeNic, vlanMode: 'auto' },
      ipam: { type: 'spiderpool', default_ipv4_ippool: [pool] },
    },
    { type: 'coordinator' },
  ],
});
const macOf = (vlan: number) => `fa:16:3e:00:00:${vlan}`;

if (insideNamespaces(import.meta.filename)) {
  describe('a pod on a VLAN that a provider chose', needs('vlan', 'nftables'), () => {
    const runtime = new Runtime();
    let node: OneNode;
    let pods = 0;

    const newSandbox = () => Sandbox.ofNewPod(node, `pod-${++pods}`);

    /** A pool of one address, as a provider leaves it, and the router's interface in the VLAN. */
    async function provide(vlan: number): Promise<void> {
      await node.createProvidedPool(
        `eni-${vlan}`,
        { subnet: `10.${vlan}.0.0/24`, gateway: `10.${vlan}.0.1` },
        { [`10.${vlan}.0.9`]: { vlan, mac: macOf(vlan) } },
      );
      for (const line of [
        `link add link eth0 name eth0.${vlan} type vlan id ${vlan}`,
        `address add 10.${vlan}.0.1/24 dev eth0.${vlan}`,
        `link set eth0.${vlan} up`,
      ])
        runProgram('ip', ['-n', 'router', ...line.split(' ')]);
    }

    before(async () => {
      node = await OneNode.start();
      await node.createPools();
      for (const line of [
        'netns add router',
        'link add lan-port1 master lan up type veth peer name eth0 netns router',
        '-n router link set eth0 up',
        'netns exec router sysctl -qw net.ipv4.ip_forward=1',
      ])
        runProgram('ip', line.split(' '));
      await provide(41);
      await provide(42);
      // The first pod makes the objects that a node has only once.
      const first = await newSandbox();
      await runtime.add(network('eni-41'), first);
      await runtime.del(network('eni-41'), first);
      first.dropNamespace();
    });
    after(async () => {
      await node.stop();
      runProgram('ip', ['netns', 'delete', 'router']);
    });
    leaveNothing(runtime, () => node);

    test('reaches one of another VLAN by the router, and its node by the coordinator', async () => {
      const one = await newSandbox();
      const other = await newSandbox();
      const { interfaces } = await runtime.add(network('eni-41'), one);
      await runtime.add(network('eni-42'), other);
      assert.equal(interfaces?.find(({ name }) => name === 'eth0')?.mac, macOf(41));
      assert.match(one.run('ip', '-d', 'link', 'show', 'eth0'), /802\.1Q id 41 /);
      assert.match(one.run('ping', '-c1', '-W10', '10.42.0.9'), /ttl=63/);
      assert.match(other.run('ping', '-c1', '-W10', nodeAddress[4]), /1 received/);
      await runtime.check(network('eni-41'), one);
      for (const [sandbox, pool] of [
        [one, 'eni-41'],
        [other, 'eni-42'],
      ] as const) {
        await runtime.del(network(pool), sandbox);
        sandbox.dropNamespace();
      }
    });

    test('gives address and VLAN back by a DEL that came while the agent was away', async () => {
      const sandbox = await newSandbox();
      await runtime.add(network('eni-41'), sandbox);
      await node.agent.stop('SIGKILL');
      await runtime.del(network('eni-41'), sandbox);
      await node.startAgent();
      await until('the address is free', async () => Object.keys(await node.held('eni-41')).length === 0);
      const later = await newSandbox();
      await runtime.add(network('eni-41'), later);
      await runtime.del(network('eni-41'), later);
      for (const one of [sandbox, later]) one.dropNamespace();
    });

    test('keeps its MAC address when the cluster has a podMACPrefix, and cannot have one of its network', async () => {
      const prefixed = (podMACPrefix: string) =>
        node.client.patch(
          resources.spiderCoordinators,
          { name: 'default' },
          {
            type: 'merge',
            body: { spec: { podMACPrefix } },
          },
        );
      await prefixed('0a:1b');
      try {
        const sandbox = await newSandbox();
        const { interfaces } = await runtime.add(network('eni-41'), sandbox);
        assert.equal(interfaces?.find(({ name }) => name === 'eth0')?.mac, macOf(41));
        assert.match(sandbox.run('ip', 'link', 'show', 'eth0'), new RegExp(macOf(41)));
        await runtime.check(network('eni-41'), sandbox);
        await runtime.del(network('eni-41'), sandbox);
        sandbox.dropNamespace();
      } finally {
        await prefixed('');
      }
      const { plugins, ...own } = network('eni-41');
      const changed = {
        ...own,
        plugins: [plugins[0], { type: 'coordinator', podMACPrefix: '0a:1b' }],
      } as Network;
      const sandbox = await newSandbox();
      const refused: unknown = await runtime.add(changed, sandbox).catch((error: unknown) => error);
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /podMACPrefix 0a:1b cannot be used on eth0: the network provider chose/);
      await runtime.del(changed, sandbox);
      sandbox.dropNamespace();
    });

    test('is refused by a pool without a provider, and nothing is left', async () => {
      const sandbox = await newSandbox();
      const refused: unknown = await runtime.add(network('v4'), sandbox).catch((error: unknown) => error);
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /chose no VLAN on master lan0: this network needs a network provider/);
      assert.deepEqual(await node.held('v4'), {});
      await runtime.del(network('v4'), sandbox);
      sandbox.dropNamespace();
    });
  });
}
