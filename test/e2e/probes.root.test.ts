// Detection of address conflicts and silent gateways, with the real macvlan and a real agent. `ifacer` is first in the chain.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type Pod, resources, type StatefulSet } from '#api';
import { formatAddress } from '#ip';
import { quarantinesOf } from '#plan/ipam';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { gateway, nodeName, OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';

const rivalMac = '0a:00:00:00:00:99';

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
  const lonely = underlay({ ipv4: ['single'] });
  let node: OneNode;
  let pods = 0;

  const rival = (...args: string[]) => runProgram('ip', ['-n', 'rival', ...args]);

  /** Another host has these addresses during the test. */
  function rivalHas(test: TestContext, ...addresses: readonly string[]): void {
    for (const address of addresses) {
      const here = address.includes(':') ? `${address}/128` : `${address}/32`;
      rival('address', 'add', here, 'dev', 'nic', ...(address.includes(':') ? ['nodad'] : []));
      test.after(() => void rival('address', 'delete', here, 'dev', 'nic'));
    }
  }

  function sandboxOfNewPod(): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, `pod-${++pods}`);
  }

  /** Restarts the agent with these switches of its conf.yml. */
  async function configure(switches: Readonly<Record<string, boolean>>): Promise<void> {
    await node.agent.stop('SIGTERM');
    // A busy machine needs more than the default of 300 ms.
    const orbweaver = { probeDeadlineMs: 1500 };
    const conf = { enableIPv4: true, enableIPv6: true, orbweaver, ...switches };
    writeFileSync(join(node.folder, 'conf.yml'), JSON.stringify(conf));
    await node.startAgent();
  }

  async function attach(net = network, pod = sandboxOfNewPod()) {
    const sandbox = await pod;
    const begun = performance.now();
    const { ips = [] } = await runtime.add(net, sandbox).catch(async (error: unknown) => {
      await runtime.del(net, sandbox);
      sandbox.dropNamespace();
      throw error;
    });
    const tookMs = performance.now() - begun;
    return { sandbox, addresses: ips.map(({ address }) => address.split('/')[0] ?? ''), tookMs };
  }

  /** The messages of Events, in order. */
  async function conflictsToldOf(pod: string): Promise<string[]> {
    const { items } = await node.client.list(resources.events, { namespace: 'default' });
    return items
      .filter(({ reason, involvedObject }) => reason === 'IPConflict' && involvedObject.name === pod)
      .map(({ message = '' }) => message)
      .sort();
  }

  /** Waits, because the agent writes Events after its answer. */
  async function eventually(look: () => Promise<string[]>, count: number): Promise<string[]> {
    for (let tries = 0; tries < 1500; tries++) {
      const found = await look();
      if (found.length >= count) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return look();
  }

  const metrics = async () => (await fetch('http://127.0.0.1:5710/metrics')).text();

  async function end(sandbox: Sandbox, net = network): Promise<void> {
    await runtime.del(net, sandbox);
    sandbox.dropNamespace();
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await node.createPool('single', 4, { ips: ['10.6.2.1'] });
    runProgram('ip', ['netns', 'add', 'rival']);
    runProgram('ip', [
      'link',
      'add',
      'rport',
      'master',
      'lan',
      'up',
      'type',
      'veth',
      'peer',
      'name',
      'nic',
      'netns',
      'rival',
    ]);
    rival('link', 'set', 'nic', 'address', rivalMac, 'up');
    for (const address of [`${gateway[4]}/16`, `${gateway[6]}/64`]) {
      rival('address', 'add', address, 'dev', 'nic', ...(address.includes(':') ? ['nodad'] : []));
    }
    // The first pod makes the objects that a node has only once.
    await end((await attach()).sandbox);
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  test('the pods get other addresses than those that other machines use', async (t) => {
    await configure({});
    const plain = await attach();
    await end(plain.sandbox);
    await configure({ enableIPConflictDetection: true, enableGatewayDetection: true });
    const free = await attach();
    t.diagnostic(`ADD ${Math.round(plain.tookMs)} ms, with probes ${Math.round(free.tookMs)} ms`);
    await end(free.sandbox);
    rivalHas(t, '10.6.1.1', '10.6.1.2', 'fd00:10:6::1:1');
    await configure({ enableIPConflictDetection: true, enableGatewayDetection: true });
    const { sandbox, addresses } = await attach();
    assert.deepEqual(addresses, ['10.6.1.3', 'fd00:10:6::1:2']);
    const held = [...Object.keys(await node.held('v4')), ...Object.keys(await node.held('v6'))];
    assert.deepEqual(held, addresses);
    assert.deepEqual(
      await eventually(() => conflictsToldOf(`pod-${pods}`), 3),
      ['10.6.1.1', '10.6.1.2', 'fd00:10:6::1:1'].map(
        (address) =>
          `address ${address} of interface eth0 is in use at ${rivalMac}: the address is put into quarantine, and the pod gets another one`,
      ),
    );
    assert.match(await metrics(), /^orbweaver_address_conflicts_total\{outcome="quarantined"\} 3$/m);
    const told = async () => {
      const found = quarantinesOf([await node.client.get(resources.nodes, { name: nodeName })], Date.now());
      return found.map(({ address, mac }) => `${formatAddress(address)} ${mac}`);
    };
    assert.deepEqual(
      (await eventually(told, 3)).toSorted(),
      ['10.6.1.1', '10.6.1.2', 'fd00:10:6::1:1'].map((address) => `${address} ${rivalMac}`),
    );
    sandbox.run('ping', '-c1', '-W10', gateway[4]);
    await end(sandbox);
    assert.deepEqual(await node.held('v4'), {});
  });

  test('ADD fails with the MAC address of the rival when the pool has no other address, and leaves nothing', async (t) => {
    await configure({ enableIPConflictDetection: true });
    rivalHas(t, '10.6.2.1');
    await assert.rejects(attach(lonely), {
      message:
        /pod's interface eth0 with an conflicting ip 10\.6\.2\.1, 10\.6\.2\.1 is located at 0a:00:00:00:00:99/,
    });
    assert.deepEqual(await node.held('single'), {});
  });

  test("a StatefulSet's pod keeps its address: ADD fails with the rival's MAC address while the rival is there", async (t) => {
    rivalHas(t, '10.6.1.1');
    await configure({ enableIPConflictDetection: true, enableStatefulSet: true });
    const template = {
      metadata: { labels: { app: 'db' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    const owner = await node.client.create(resources.statefulSets, {
      metadata: { name: 'db', namespace: 'default' },
      spec: { serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template },
    } as StatefulSet);
    const stateful = async (name: string) => {
      const { uid = '' } = owner.metadata;
      const reference = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid, controller: true };
      const made = await node.client.create(resources.pods, {
        metadata: { name, namespace: 'default', ownerReferences: [reference] },
        spec: { nodeName: 'node1', containers: [{ name: 'c', image: 'i' }] },
      } as Pod);
      return new Sandbox({ name, uid: made.metadata.uid });
    };
    const pod = stateful('db-0');
    await assert.rejects(attach(network, pod), {
      message: /conflicting ip 10\.6\.1\.1, 10\.6\.1\.1 is located at 0a:00:00:00:00:99: Find/,
    });
    const [told] = await eventually(() => conflictsToldOf('db-0'), 1);
    assert.match(told ?? '', /the address cannot be exchanged/);
    assert.match(await metrics(), /^orbweaver_address_conflicts_total\{outcome="kept"\} 1$/m);
    // The pod of the StatefulSet has the address reserved for it, until the StatefulSet is gone.
    assert.deepEqual(Object.keys(await node.held('v4')), ['10.6.1.1']);
    await node.client.delete(resources.statefulSets, { namespace: 'default', name: 'db' });
    await runtime.del(network, await pod);
    assert.deepEqual([await node.held('v4'), await node.held('v6')], [{}, {}]);
  });

  test('a probe that a definition of seed 1 requests is made by the coordinator, and the next attempt gets another address', async (t) => {
    rivalHas(t, '10.6.1.1', '10.6.1.2');
    await configure({});
    const asking = underlay(
      { ipv4: ['v4'] },
      { name: 'asking', coordinator: { detectIPConflict: true, detectGateway: true } },
    );
    const said: string[] = [];
    for (;;) {
      const attached = await attach(asking).catch((error: Error) => error);
      if (attached instanceof Error) {
        said.push(attached.message);
        continue;
      }
      assert.deepEqual(attached.addresses, ['10.6.1.3']);
      await end(attached.sandbox, asking);
      break;
    }
    assert.deepEqual(
      said.map((text) => /conflicting ip (\S+),/.exec(text)?.[1]),
      ['10.6.1.1', '10.6.1.2'],
    );
  });

  test('ADD fails when the gateway does not answer, and no address stays allocated', async (t) => {
    rival('address', 'delete', `${gateway[6]}/64`, 'dev', 'nic');
    t.after(() => void rival('address', 'add', `${gateway[6]}/64`, 'dev', 'nic', 'nodad'));
    await configure({ enableGatewayDetection: true });
    await assert.rejects(attach(), { message: /gateway fd00:10:6::1 is unreachable/ });
    assert.deepEqual([await node.held('v4'), await node.held('v6')], [{}, {}]);
  });

  test('ifacer works as the first plugin of a chain, and reports what the kernel lacks', async (t) => {
    await configure({});
    const chain = (ifacer: Readonly<Record<string, unknown>>) => ({
      ...network,
      cniVersion: '0.3.1',
      name: 'with-ifacer',
      plugins: [{ type: 'ifacer', interfaces: ['lan0'], ...ifacer }, ...network.plugins],
    });
    const { sandbox } = await attach(chain({}));
    await end(sandbox, chain({}));
    const run = await runtime.exec(
      'ifacer',
      {
        CNI_COMMAND: 'ADD',
        CNI_CONTAINERID: 'x',
        CNI_NETNS: '/run/netns/rival',
        CNI_IFNAME: 'eth0',
        CNI_PATH: '/opt/cni/bin',
      },
      JSON.stringify({ cniVersion: '0.3.1', name: 'n', type: 'ifacer', interfaces: ['lan0'], vlanID: 7 }),
    );
    if (run.exit === 0) assert.deepEqual(run.json, { cniVersion: '0.3.1' });
    else {
      t.diagnostic(String(run.json?.msg));
      assert.match(
        String(run.json?.msg),
        /no links of type vlan: load its module 8021q .* so that lan0\.7 can be made/,
      );
    }
  });
}
