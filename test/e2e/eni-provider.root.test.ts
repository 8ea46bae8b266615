// Pods of type `eni-vlan` whose addresses a provider binds: the real agent asks it over HTTPS, and the VLAN and the MAC
// address of its answer reach the network of the cloud.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { resources } from '#api';
import { FakeProvider, macOf } from '#iaas/testing';
import { needs } from '../uml/kernel-part.ts';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeName, nodeNic, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox, underlay } from './runtime.ts';

const network: Network = {
  ...{ cniVersion: '1.1.0', name: 'eni' },
  plugins: [
    {
      ...{ type: 'eni-vlan', master: nodeNic, vlanMode: 'auto' },
      ipam: { type: 'spiderpool', default_ipv4_ippool: ['eni'] },
    },
    { type: 'coordinator' },
  ],
};
const [eni] = network.plugins;
const gateway = '10.41.0.1';
const ip = (line: string) => runProgram('ip', line.split(' '));

/** A process in the namespace, which keeps it when its name is gone. */
async function inside(netns: string): Promise<ChildProcess> {
  const child = spawn('nsenter', [`--net=${netns}`, 'sleep', 'infinity'], { stdio: 'ignore' });
  const own = readlinkSync('/proc/self/ns/net');
  await until('a process is inside', () => readlinkSync(`/proc/${child.pid}/ns/net`) !== own);
  return child;
}

if (insideNamespaces(import.meta.filename)) {
  describe('a pod whose address a provider binds', needs('vlan', 'nftables'), () => {
    const runtime = new Runtime();
    let provider: FakeProvider;
    let node: OneNode;
    let pods = 0;

    /** The cloud joins its VLANs to one network. The LAN's switch learns nothing, as it sees each frame twice. */
    function makeCloud(): void {
      for (const line of [
        'netns add cloud',
        'link add lan-port1 master lan up type veth peer name eth0 netns cloud',
        'link set lan-port0 type bridge_slave learning off',
        'link set lan-port1 type bridge_slave learning off',
        '-n cloud link add br0 type bridge',
        `-n cloud address add ${gateway}/24 dev br0`,
        '-n cloud link set br0 up',
        '-n cloud link set eth0 up',
      ])
        ip(line);
      for (const vlan of [100, 101]) {
        ip(`-n cloud link add link eth0 name eth0.${vlan} type vlan id ${vlan}`);
        ip(`-n cloud link set eth0.${vlan} up master br0`);
      }
    }

    const newSandbox = () => Sandbox.ofNewPod(node, `pod-${++pods}`);
    const masterMac = () => /link\/ether (\S+)/.exec(ip(`link show ${nodeNic}`))?.[1];
    const vlanOf = (sandbox: Sandbox) =>
      /802\.1Q id (\d+) /.exec(sandbox.run('ip', '-d', 'link', 'show'))?.[1];
    const addressIn = (sandbox: Sandbox) =>
      /inet (10\.41\.\S+)\//.exec(sandbox.run('ip', 'address', 'show', 'eth0'))?.[1] ?? '';

    /** MAC address and VLAN that the endpoint of the pod shows. */
    async function shown({ pod }: Sandbox): Promise<unknown> {
      const ref = { namespace: 'default', name: pod.name };
      const endpoint = await node.client.get(resources.spiderEndpoints, ref).catch(() => undefined);
      const [nic] = endpoint?.status?.current.ips ?? [];
      return nic && [nic.mac, nic.vlan];
    }

    /** Address, MAC address and VLAN of the pod are those of the provider, and its endpoint says so. */
    async function assertBound(sandbox: Sandbox): Promise<void> {
      const address = addressIn(sandbox);
      const binding = provider.bound.get(address);
      const [nic] = sandbox.ip('link', 'show', 'eth0');
      assert.deepEqual(
        [vlanOf(sandbox), nic?.address, binding?.podUid],
        [String(binding?.vlan), macOf(address), sandbox.pod.uid],
      );
      await until(
        'the endpoint shows MAC address and VLAN',
        async () => JSON.stringify(await shown(sandbox)) === JSON.stringify([macOf(address), binding?.vlan]),
      );
    }

    async function end(sandbox: Sandbox): Promise<void> {
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    }

    before(async () => {
      provider = new FakeProvider();
      await provider.start();
      const iaasNetworkProvider = { serverUrl: provider.url, tls: { caFile: provider.caFile } };
      node = await OneNode.start({ conf: { iaasNetworkProvider } });
      await node.createPools();
      await node.createPool('eni', 4, { subnet: '10.41.0.0/24', gateway, ips: ['10.41.0.20-10.41.0.29'] });
      makeCloud();
      // The first pod makes the objects that a node has only once.
      const first = await newSandbox();
      await runtime.add(network, first);
      await end(first);
    });
    beforeEach(() => {
      provider.requests.length = 0;
      provider.before = async () => {};
      provider.fault = () => false;
    });
    after(async () => {
      await node.stop();
      provider.close();
    });
    leaveNothing(runtime, () => node);

    test('has VLAN and MAC address of the answer; two reach each other and the cloud', async () => {
      const one = await newSandbox();
      const other = await newSandbox();
      const results = await Promise.all([one, other].map((sandbox) => runtime.add(network, sandbox)));
      for (const [at, sandbox] of [one, other].entries()) {
        await assertBound(sandbox);
        const nic = results[at]?.interfaces?.find(({ name }) => name === 'eth0');
        assert.equal(nic?.mac, macOf(addressIn(sandbox)));
        assert.match(sandbox.run('ping', '-c1', '-W10', gateway), /1 received/);
        assert.match(
          runProgram('ip', ['netns', 'exec', 'cloud', 'ping', '-c1', '-W10', addressIn(sandbox)]),
          /1 received/,
        );
        const seen = ip(`-n cloud neigh show ${addressIn(sandbox)}`);
        assert.match(seen, new RegExp(macOf(addressIn(sandbox))));
        await runtime.check(network, sandbox);
      }
      assert.deepEqual([vlanOf(one), vlanOf(other)].toSorted(), ['100', '101']);
      assert.match(one.run('ping', '-c1', '-W10', addressIn(other)), /1 received/);
      const held = await node.held('eni');
      for (const { pod } of [one, other]) {
        const record = Object.values(held).find(({ podUid }) => podUid === pod.uid);
        assert.deepEqual(record, {
          ...{ pod: `default/${pod.name}`, podUid: pod.uid, nic: 'eth0' },
          iaas: { node: nodeName, parentNicMac: masterMac() },
        });
      }

      const address = addressIn(one);
      const heldAtRelease: boolean[] = [];
      provider.before = async () => {
        heldAtRelease.push(address in (await node.held('eni')));
      };
      await end(one);
      assert.deepEqual(heldAtRelease, [true], 'the provider lets go before the pool');
      assert.deepEqual([provider.bound.has(address), address in (await node.held('eni'))], [false, false]);
      await end(other);
      assert.equal(provider.bound.size, 0);
    });

    test('keeps address, MAC address and VLAN in a repeated ADD after its agent was killed', async () => {
      const sandbox = await newSandbox();
      // The provider has bound the address, and the agent dies before it knows.
      provider.fault = () => {
        process.kill(node.agent.pid ?? 0, 'SIGKILL');
        return false;
      };
      const interrupted = runtime.call('ADD', network, eni as never, { sandbox });
      await until('the agent is gone', () => node.agent.pid === undefined);
      provider.fault = () => false;
      const [address] = Object.keys(await node.held('eni'));
      await node.startAgent();
      await interrupted;
      await runtime.add(network, sandbox);
      assert.equal(addressIn(sandbox), address);
      await assertBound(sandbox);
      assert.ok(!provider.asked.some((asked) => asked.startsWith('release-ip')), provider.asked.join());
      assert.match(sandbox.run('ping', '-c1', '-W10', gateway), /1 received/);
      await end(sandbox);
    });

    test('has an endpoint with MAC address and VLAN, also if the agent was killed before it wrote one', async () => {
      const sandbox = await newSandbox();
      await runtime.add(network, sandbox);
      await assertBound(sandbox);
      await node.agent.stop('SIGKILL');
      await node.client.delete(resources.spiderEndpoints, { namespace: 'default', name: sandbox.pod.name });
      await node.startAgent();
      await assertBound(sandbox);
      await end(sandbox);
    });

    test('gets its VLAN in the next sandbox, also while a process is left in the one that vanished', async () => {
      const lost = await newSandbox();
      await runtime.add(network, lost);
      const [address, vlan] = [addressIn(lost), vlanOf(lost)];
      lost.dropNamespace();
      const next = new Sandbox(lost.pod);
      await runtime.add(network, next);
      assert.deepEqual([addressIn(next), vlanOf(next)], [address, vlan]);

      const again = new Sandbox(lost.pod);
      const left = await inside(next.netns);
      try {
        next.dropNamespace();
        await runtime.add(network, again);
        assert.match(node.agent.log, /an earlier sandbox of the pod still has its VLAN, and loses it/);
        assert.deepEqual([addressIn(again), vlanOf(again)], [address, vlan]);
        assert.match(again.run('ping', '-c1', '-W10', gateway), /1 received/);
        await assertBound(again);
      } finally {
        left.kill();
      }
      for (const sandbox of [lost, next]) await runtime.del(network, sandbox);
      assert.equal(addressIn(again), address, 'a late DEL of an earlier sandbox takes nothing');
      assert.equal(provider.bound.get(address)?.podUid, lost.pod.uid);
      await end(again);
    });

    test('waits for a provider that hangs, and pods of other networks start meanwhile', async () => {
      const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
      provider.before = () => goesOn;
      const waiting = await newSandbox();
      const added = runtime.add(network, waiting);
      await until('the provider is asked', () => provider.requests.length > 0);
      const plain = underlay({ ipv4: ['v4'] });
      const other = await newSandbox();
      await runtime.add(plain, other);
      assert.equal(provider.requests.length, 1);
      await runtime.del(plain, other);
      other.dropNamespace();
      goOn();
      await added;
      await end(waiting);
    });

    test('is made once by three ADDs at once, and the next sandbox has it when two ask at once', async () => {
      const first = await newSandbox();
      const results = await Promise.all([1, 2, 3].map(() => runtime.add(network, first)));
      for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
      await assertBound(first);
      assert.deepEqual([Object.keys(await node.held('eni')), provider.bound.size], [[addressIn(first)], 1]);
      await end(first);

      const one = await newSandbox();
      const two = new Sandbox(one.pod);
      const asked = await Promise.allSettled([one, two].map((sandbox) => runtime.add(network, sandbox)));
      // The one that was first has lost the interface, perhaps before its coordinator came.
      const refused = asked.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
      assert.ok(refused.length <= 1, refused.join());
      for (const why of refused) assert.match(why, /link eth0 is missing/);
      const having = [one, two].filter((sandbox) => sandbox.ip('link', 'show', 'type', 'vlan').length > 0);
      assert.equal(having.length, 1, 'the kernel has each VLAN once, and the last sandbox counts');
      assert.equal(provider.bound.size, 1);
      for (const sandbox of [one, two]) await end(sandbox);
      assert.equal(provider.bound.size, 0);
    });

    test('is refused in the words of the provider, and nothing is left', async () => {
      const sandbox = await newSandbox();
      provider.fault = (_, response) => {
        response.writeHead(422);
        response.end('the NIC has no room for another address');
        return true;
      };
      const refused: unknown = await runtime.add(network, sandbox).catch((error: unknown) => error);
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /answered 422 to allocate-ips.*the NIC has no room for another address/);
      assert.deepEqual(await node.held('eni'), {});
      assert.deepEqual(sandbox.ip('link', 'show', 'type', 'vlan'), []);
      await end(sandbox);
    });
  });
}
