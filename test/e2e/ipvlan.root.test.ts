// Pods on ipvlan (mode L2) through the reference plugin, our IPAM and our coordinator, with a real agent.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needs } from '../uml/kernel-part.ts';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { gateway, nodeAddress, nodeNic, OneNode, overlayCidrs, serviceCidrs } from './one-node.ts';
import { runProgram } from './program.ts';
import { type AddResult, CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';

const families = [4, 6] as const;

interface Shown {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev: string;
  readonly protocol?: string;
}

if (insideNamespaces(import.meta.filename)) {
  describe('ipvlan', needs('ipvlan', 'nftables'), () => {
    const runtime = new Runtime();
    let node: OneNode;
    let pods = 0;

    const ipvlan = {
      type: 'ipvlan',
      master: nodeNic,
      mode: 'l2',
      ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] },
    };
    const network = (coordinator: object = {}): Network => ({
      cniVersion: '1.0.0',
      name: 'underlay',
      plugins: [ipvlan, { type: 'coordinator', ...coordinator }],
    });
    const alone: Network = { cniVersion: '1.0.0', name: 'alone', plugins: [ipvlan] };

    function newSandbox(): Promise<Sandbox> {
      return Sandbox.ofNewPod(node, `pod-${++pods}`);
    }

    async function attached(net: Network = network()) {
      const sandbox = await newSandbox();
      const result = await runtime.add(net, sandbox);
      return { sandbox, result, addresses: addressesOf(result) };
    }

    async function end(sandbox: Sandbox, net: Network = network()): Promise<void> {
      await runtime.del(net, sandbox);
      sandbox.dropNamespace();
    }

    before(async () => {
      node = await OneNode.start();
      await node.createPools();
      // The first pod makes the objects that a node has only once.
      await end((await attached()).sandbox);
    });
    after(() => node.stop());
    leaveNothing(runtime, () => node);

    test('a pod gets golden table G1 in both families, and DEL leaves nothing', async () => {
      const { sandbox, addresses } = await attached();
      for (const family of families) {
        const via = nodeAddress[family];
        const routes = (table: string) =>
          sandbox
            .ip<Shown>(`-${family}`, 'route', 'show', 'table', table)
            .filter(({ protocol }) => protocol !== 'kernel')
            .map(({ dst, gateway: by, dev }) => [dst, by && `via ${by}`, dev].filter(Boolean).join(' '))
            .toSorted();
        const index = families.indexOf(family);
        assert.deepEqual(
          routes('main'),
          [
            `${via} veth0`,
            `${overlayCidrs[index]} via ${via} veth0`,
            `${serviceCidrs[index]} via ${via} veth0`,
            `default via ${gateway[family]} eth0`,
          ].toSorted(),
        );
        assert.deepEqual(routes('100'), [`default via ${via} veth0`]);
        const rules = sandbox.ip<{ priority: number; fwmark?: string; table: string }>(`-${family}`, 'rule');
        const marked = rules.filter(({ priority }) => priority === 1000);
        assert.deepEqual(
          marked.map(({ fwmark, table }) => [fwmark, table]),
          [['0x1', '100']],
        );
        const hostLink = `veth${sandbox.id.slice(0, 11)}`;
        const onNode = runProgram('ip', ['-j', `-${family}`, 'route', 'show', 'table', '500']);
        assert.deepEqual(
          (JSON.parse(onNode) as Shown[]).map(({ dst, dev }) => [dst, dev]),
          [[addresses[family], hostLink]],
        );
        const permanent = runProgram('ip', ['neigh', 'show', 'nud', 'permanent', 'dev', hostLink]);
        assert.match(permanent, new RegExp(`^${addresses[family]} `, 'm'));
      }
      assert.match(sandbox.run('nft', 'list', 'table', 'inet', 'orbweaver'), /iifname "veth0"/);
      await runtime.check(network(), sandbox);
      await end(sandbox);
    });

    test('a pod and its node reach one another through veth0, and do not without the coordinator', async () => {
      const bare = await attached(alone);
      const { sandbox, addresses } = await attached();
      for (const family of families) {
        assert.throws(() => ping(bare.sandbox, family, nodeAddress[family]), /ping -[46]/);
        ping(sandbox, family, nodeAddress[family]);
        runProgram('ping', [`-${family}`, '-c1', '-W10', addresses[family]]);
        const [route] = sandbox.ip<Shown>('route', 'get', nodeAddress[family]);
        assert.equal(route?.dev, 'veth0');
      }
      await end(bare.sandbox, alone);
      await end(sandbox);
    });

    test('two pods of a node reach one another over their parent, although they share one MAC address', async () => {
      const one = await attached();
      const other = await attached();
      const master = (
        JSON.parse(runProgram('ip', ['-j', 'link', 'show', nodeNic])) as { address: string }[]
      )[0];
      for (const { sandbox } of [one, other]) {
        const [nic] = sandbox.ip<{ address: string }>('link', 'show', 'eth0');
        assert.equal(nic?.address, master?.address);
      }
      for (const family of families) {
        ping(one.sandbox, family, other.addresses[family]);
        const [route] = one.sandbox.ip<Shown>('route', 'get', other.addresses[family]);
        assert.equal(route?.dev, 'eth0');
      }
      await end(one.sandbox);
      await end(other.sandbox);
    });

    test('a machine of the LAN and a pod reach one another in both families', async () => {
      const { sandbox, addresses } = await attached();
      const lines = [
        'netns add machine',
        'link add lan-port1 master lan up type veth peer name eth0 netns machine',
        '-n machine address add 10.6.0.9/16 dev eth0',
        '-n machine address add fd00:10:6::9/64 dev eth0 nodad',
        '-n machine link set eth0 up',
      ];
      try {
        for (const line of lines) runProgram('ip', line.split(' '));
        for (const [family, machine] of [
          [4, '10.6.0.9'],
          [6, 'fd00:10:6::9'],
        ] as const) {
          ping(sandbox, family, machine);
          runProgram('ip', [
            'netns',
            'exec',
            'machine',
            'ping',
            `-${family}`,
            '-c1',
            '-W10',
            addresses[family],
          ]);
        }
      } finally {
        // A hook of the test would run only after the check of the node.
        runProgram('ip', ['netns', 'delete', 'machine']);
      }
      await end(sandbox);
    });

    test('a MAC prefix is refused before anything is changed, and the error says why (K11)', async () => {
      const sandbox = await newSandbox();
      const net = network({ podMACPrefix: '0a:1b' });
      await assert.rejects(runtime.add(net, sandbox), (error: unknown) => {
        assert.ok(error instanceof CniFailure);
        assert.match(
          error.message,
          /podMACPrefix 0a:1b cannot be used on eth0: an ipvlan has the MAC address of its parent/,
        );
        return true;
      });
      const names = sandbox.ip<{ ifname: string }>('link').map(({ ifname }) => ifname);
      assert.ok(!names.includes('veth0'), 'nothing of the coordinator is there');
      await end(sandbox, net);
    });
  });
}

function ping(sandbox: Sandbox, family: 4 | 6, address: string): void {
  sandbox.run('ping', `-${family}`, '-c1', '-W5', address);
}

/** The addresses of eth0, by family. */
function addressesOf({ ips = [] }: AddResult): Record<4 | 6, string> {
  const all = ips.map(({ address }) => address.split('/')[0] ?? '');
  return {
    4: all.find((text) => !text.includes(':')) ?? '',
    6: all.find((text) => text.includes(':')) ?? '',
  };
}
