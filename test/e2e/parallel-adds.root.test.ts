// Two requests at once for one NIC of a pod, as from two runtimes, or from one that has given up too early.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeNic, OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { type AddResult, CniFailure, type Network, Runtime, Sandbox, underlay } from './runtime.ts';

const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
const networkOf = (name: string, plugin: { readonly type: string }, chained: readonly string[]): Network => ({
  ...{ cniVersion: '1.1.0', name },
  plugins: [{ ...plugin, ipam }, ...chained.map((type) => ({ type }))],
});
const wholeNic = networkOf('whole-nic', { type: 'host-device-plus', device: 'spare0' } as never, [
  'coordinator',
]);
const bothFamilies = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
const routed = networkOf('routed', { type: 'veth-route', master: nodeNic } as never, []);

if (insideNamespaces(import.meta.filename)) {
  describe('two ADDs at once', () => {
    const runtime = new Runtime();
    let node: OneNode;
    let pods = 0;

    before(async () => {
      node = await OneNode.start();
      await node.createPools();
      for (const line of [
        'link add spare0 type veth peer name lan-spare0',
        'link set lan-spare0 master lan up',
      ])
        runProgram('ip', line.split(' '));
      // The first pod makes the objects that a node has only once.
      const first = await newSandbox();
      await runtime.add(bothFamilies, first);
      await end(bothFamilies, first);
    });
    after(() => node.stop());
    leaveNothing(runtime, () => node);

    const newSandbox = () => Sandbox.ofNewPod(node, `pod-${++pods}`);
    const held = async () => [...Object.keys(await node.held('v4')), ...Object.keys(await node.held('v6'))];
    const addressesIn = ({ ips = [] }: AddResult) => ips.map(({ address }) => address.split('/')[0]);

    async function end(network: Network, sandbox: Sandbox): Promise<void> {
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    }

    for (const network of [wholeNic, routed]) {
      test(`of one NIC of type ${network.plugins[0]?.type} give the same, and take nothing twice`, async () => {
        const sandbox = await newSandbox();
        const results = await Promise.all([1, 2, 3].map(() => runtime.add(network, sandbox)));
        for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
        assert.deepEqual((await held()).toSorted(), addressesIn(results[0] ?? {}).toSorted());
        await runtime.check(network, sandbox);
        await end(network, sandbox);
      });
    }

    test('of one macvlan: one wins, and the others are refused by the reference plugin', async () => {
      const network = underlay({ ipv4: ['v4'] });
      const sandbox = await newSandbox();
      const settled = await Promise.allSettled([1, 2, 3].map(() => runtime.add(network, sandbox)));
      const won = settled.filter((one) => one.status === 'fulfilled');
      assert.ok(won.length > 0);
      for (const one of settled) {
        if (one.status === 'rejected') assert.match(String(one.reason), /file exists|already exists/);
      }
      assert.deepEqual(await held(), addressesIn(won[0]?.value ?? {}));
      await runtime.check(network, sandbox);
      await end(network, sandbox);
    });

    test('of two sandboxes of one pod for one NIC of the node: one wins, and the other can have it then', async () => {
      const first = await newSandbox();
      const second = new Sandbox(first.pod);
      const settled = await Promise.allSettled([first, second].map((one) => runtime.add(wholeNic, one)));
      const [winner, loser] = settled[0]?.status === 'fulfilled' ? [first, second] : [second, first];
      const refused = settled.find((one) => one.status === 'rejected')?.reason as unknown;
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /spare0/);
      await runtime.check(wholeNic, winner);
      await runtime.del(wholeNic, loser);
      await runtime.check(wholeNic, winner);
      await end(wholeNic, winner);
      await runtime.add(wholeNic, loser);
      await end(wholeNic, loser);
    });

    test('of two sandboxes of one pod on a macvlan: both have its address, and the last DEL frees it', async () => {
      const network = underlay({ ipv4: ['v4'] });
      const first = await newSandbox();
      const second = new Sandbox(first.pod);
      const [one, other] = await Promise.all([first, second].map((each) => runtime.add(network, each)));
      assert.deepEqual(addressesIn(one ?? {}), addressesIn(other ?? {}));
      await end(network, first);
      assert.deepEqual(await held(), addressesIn(other ?? {}));
      await end(network, second);
      assert.deepEqual(await held(), []);
    });
  });
}
