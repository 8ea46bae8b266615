// The walk-through of CNI type `veth-host`: two pods of a VM, a pod of another VM, and a pod of another network. It is
// registered by tests that bring the node, its Neutron and its site.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelLines } from '../conformance/kernel-state.ts';
import { type CloudSite, far, pods, sawAll, seen } from './cloud-site.ts';
import { nodeAddress, nodeNic, type OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { type AddResult, type Network, type Runtime, Sandbox } from './runtime.ts';

export const vethHost = {
  type: 'veth-host',
  serviceCidr: '172.20.252.0/22',
  hostInterface: nodeNic,
  containerInterface: 'veth0',
  ipMasq: true,
} as const;

/** The chain of the published page of veth-host, without its password. */
export function publishedNetwork(
  kind: 'ipvlan' | 'macvlan',
  openstackConf: Readonly<Record<string, string>>,
  networkId: string,
): Network {
  const ipam = {
    type: 'neutron',
    openstackConf,
    neutronConf: { networks: [networkId], mode: 'mix' },
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const main = { type: kind, master: nodeNic, ...(kind === 'macvlan' && { mode: 'bridge' }), ipam };
  return { cniVersion: '0.3.1', name: 'cni0', plugins: [main, vethHost] };
}

export interface Walk {
  readonly node: OneNode;
  readonly runtime: Runtime;
  readonly site: CloudSite;
  readonly network: Network;
  /** The addresses of the VM's port. */
  readonly onPort: () => Promise<readonly string[]>;
}

interface Pod {
  readonly sandbox: Sandbox;
  readonly address: string;
}

/** As kube-proxy where the pods' subnet is inside its `--cluster-cidr`: it keeps their source. */
const services = { near: '172.20.252.10', far: '172.20.252.11' } as const;
const node4 = nodeAddress[4];

/** The chain of ipMasq. */
const masquerading = ['chain', 'inet', 'orbweaver', 'service-masquerade'] as const;

interface Shown {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev: string;
}

const asText = ({ dst, gateway, dev }: Shown) =>
  [dst, gateway && `via ${gateway}`, dev].filter(Boolean).join(' ');
const nodeIp = <T>(...words: string[]): T[] =>
  JSON.parse(runProgram('ip', ['-j', '-4', ...words]) || '[]') as T[];
const vethOf = ({ sandbox }: Pod) => `veth${sandbox.id.slice(0, 11)}`;

export function tryWalkThrough(walkOf: () => Walk): void {
  let made = 0;
  let one: Pod;
  let two: Pod;
  let before: readonly string[];

  async function addPod(network: Network = walkOf().network): Promise<Pod> {
    const { node, runtime } = walkOf();
    const sandbox = await Sandbox.ofNewPod(node, `walk-${++made}`);
    const { ips }: AddResult = await runtime.add(network, sandbox);
    return { sandbox, address: ips?.[0]?.address.split('/')[0] ?? '' };
  }

  async function end({ sandbox }: Pod, network: Network = walkOf().network): Promise<void> {
    await walkOf().runtime.del(network, sandbox);
    sandbox.dropNamespace();
  }

  void test('a pod has an address of the port of its VM (OS-10, OS-16)', async () => {
    const { site, onPort } = walkOf();
    // The first pod makes the objects that a node has only once.
    await end(await addPod());
    before = kernelLines();
    one = await addPod();
    two = await addPod();
    for (const { sandbox, address } of [one, two]) {
      assert.ok((await onPort()).includes(address), address);
      await site.serve(sandbox);
    }
    assert.notEqual(one.address, two.address);
  });

  void test('it has two NICs, and exactly three routes besides its own subnet (OS-11, OS-13)', () => {
    for (const { sandbox, address } of [one, two]) {
      const links = sandbox.ip<{ ifname: string; linkinfo?: { info_kind: string } }>('-d', 'link');
      const kinds = links.map(({ ifname, linkinfo }) => [ifname, linkinfo?.info_kind]);
      const [main] = walkOf().network.plugins;
      assert.deepEqual(kinds.toSorted(), [
        ['eth0', main?.type],
        ['lo', undefined],
        ['veth0', 'veth'],
      ]);
      assert.deepEqual(sandbox.ip<Shown>('-4', 'route').map(asText).toSorted(), [
        '10.6.0.0/16 eth0',
        `${node4} veth0`,
        `172.20.252.0/22 via ${node4} veth0`,
        'default via 10.6.0.1 eth0',
      ]);
      const [own] = sandbox.ip<{ prefsrc?: string; dev: string }>('route', 'get', services.near);
      assert.deepEqual([own?.dev, own?.prefsrc], ['veth0', address]);
    }
  });

  void test("the node has a route to each pod by the node's end of its veth (OS-14)", () => {
    for (const pod of [one, two]) {
      const [direct] = nodeIp<Shown>('route', 'get', pod.address);
      assert.deepEqual([direct?.dev, direct?.gateway], [vethOf(pod), undefined]);
    }
  });

  void test('pods of one node reach each other, and their node, with their own addresses (OS-15)', () => {
    assert.deepEqual(seen(one.sandbox, two.address), sawAll(one.address));
    assert.deepEqual(seen(two.sandbox, one.address), sawAll(two.address));
    assert.deepEqual(seen(one.sandbox, node4), sawAll(one.address));
    assert.deepEqual(seen(undefined, one.address), sawAll(node4));
  });

  void test('pods of other nodes are reached both ways: of the same network and of another one (OS-15)', () => {
    assert.deepEqual(seen(one.sandbox, far.same), sawAll(one.address));
    assert.deepEqual(seen(pods.same, one.address), sawAll(far.same));
    assert.deepEqual(seen(one.sandbox, far.other), sawAll(one.address));
    assert.deepEqual(seen(pods.other, one.address), sawAll(far.other));
    for (const to of [far.same, far.other]) {
      const [route] = one.sandbox.ip<Shown>('route', 'get', to);
      assert.equal(route?.dev, 'eth0');
    }
  });

  void test('Services are reached by the veth and the rules of the node, wherever the endpoint is (OS-12, OS-13)', async () => {
    const rules = [
      'table ip services {',
      '  chain prerouting {',
      '    type nat hook prerouting priority dstnat; policy accept;',
      `    ip daddr ${services.near} dnat to ${two.address}`,
      `    ip daddr ${services.far} dnat to ${far.same}`,
      '  }',
      '}',
    ];
    runProgram('nft', ['-f', '-'], `${rules.join('\n')}\n`);
    try {
      for (const service of Object.values(services))
        assert.deepEqual(seen(one.sandbox, service), sawAll(node4), service);
      // Without ipMasq, the far endpoint answers past the node that translated.
      const { node } = walkOf();
      await node.agent.stop('SIGKILL');
      runProgram('nft', ['flush', ...masquerading]);
      assert.deepEqual(seen(one.sandbox, services.near), sawAll(one.address));
      assert.deepEqual(seen(one.sandbox, services.far), { tcp: undefined, udp: undefined, ping: false });
      await node.startAgent();
      await until('the agent has repaired its table', () =>
        runProgram('nft', ['list', ...masquerading]).includes('masquerade comment'),
      );
      assert.deepEqual(seen(one.sandbox, services.far), sawAll(node4));
    } finally {
      runProgram('nft', ['delete', 'table', 'ip', 'services']);
    }
  });

  void test('CHECK names what is missing, and the agent repairs it', async () => {
    const { runtime, network } = walkOf();
    const checked = { ...network, cniVersion: '1.0.0' };
    const pod = await addPod(checked);
    await runtime.check(checked, pod.sandbox);
    const isBack = () =>
      pod.sandbox
        .ip<Shown>('-4', 'route')
        .some(({ dst, dev }) => dst === '172.20.252.0/22' && dev === 'veth0');
    // The agent leaves a route of somebody else in a table of its own.
    const foreign = ['local', 'default', 'dev', 'lo', 'table', '100'] as const;
    pod.sandbox.ip('route', 'replace', ...foreign);
    await assert.rejects(runtime.check(checked, pod.sandbox), /table 100 is local default dev lo/);
    pod.sandbox.ip('route', 'delete', ...foreign);
    pod.sandbox.ip('route', 'delete', '172.20.252.0/22');
    await until('the route is back', isBack);
    await runtime.check(checked, pod.sandbox);
    await walkOf().node.agent.stop('SIGKILL');
    pod.sandbox.ip('route', 'delete', '172.20.252.0/22');
    await walkOf().node.startAgent();
    await until('the route is back after a new start', isBack);
    await runtime.check(checked, pod.sandbox);
    assert.deepEqual(seen(one.sandbox, two.address), sawAll(one.address));
    await end(pod, checked);
  });

  void test('DEL leaves nothing of the pods on the node', async () => {
    for (const pod of [one, two]) await end(pod);
    // The kernel ends namespaces in the background.
    await until('the node is as before', () => kernelLines().join('\n') === before.join('\n')).catch(() => {
      assert.deepEqual(kernelLines(), before);
    });
  });
}
