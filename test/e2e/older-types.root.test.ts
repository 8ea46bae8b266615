// The CNI types that are older than the coordinator, in their real chains: `veth` as in the guide to several NICs, and `router`
// beside an overlay.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';

interface IpRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev: string;
}

interface IpRule {
  readonly src: string;
  readonly table: string;
}

/** The NetworkAttachmentDefinitions of the guide, unchanged. */
function guideNetworks(): Record<string, Network> {
  const file = join(import.meta.dirname, '../fixtures/manifests/fixed-ip-multi-nic.yaml');
  const objects = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (document) => document.toJS() as { kind: string; metadata: { name: string }; spec: { config: string } },
  );
  const definitions = objects.filter(({ kind }) => kind === 'NetworkAttachmentDefinition');
  return Object.fromEntries(
    definitions.map(({ metadata, spec }) => [metadata.name, JSON.parse(spec.config) as Network]),
  );
}

const annotations = {
  'v1.multus-cni.io/default-network': 'kube-system/macvlan-conf-ens192',
  'k8s.v1.cni.cncf.io/networks': 'kube-system/macvlan-conf-ens224',
  'ipam.spidernet.io/ippools': JSON.stringify([
    { interface: 'eth0', ipv4: ['ens192'] },
    { interface: 'net1', ipv4: ['ens224'] },
  ]),
};

/** Two more NICs of the node, with the names of the guide: one on the LAN, one on a separate LAN. */
function addGuideNics(): void {
  const lines = [
    'link add ens192 type veth peer name lan-port1',
    'link set lan-port1 master lan up',
    'link set ens192 up',
    'link add lan2 type bridge',
    'link set lan2 up',
    'link add ens224 type veth peer name lan2-port0',
    'link set lan2-port0 master lan2 up',
    'link set ens224 up',
  ];
  runProgram('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
}

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const { 'macvlan-conf-ens192': first, 'macvlan-conf-ens224': second } = guideNetworks() as {
    'macvlan-conf-ens192': Network;
    'macvlan-conf-ens224': Network;
  };
  let node: OneNode;
  let podNumber = 0;

  function sandboxOfNewPod(annotated: Record<string, string> = annotations): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, `pod-${++podNumber}`, { annotations: annotated });
  }

  const route = ({ dst, gateway, dev }: IpRoute) =>
    [dst, gateway && `via ${gateway}`, dev].filter(Boolean).join(' ');
  const routes = (sandbox: Sandbox, table: string) =>
    sandbox.ip<IpRoute>('-4', 'route', 'show', 'table', table).map(route).toSorted();
  const sourceRules = (sandbox: Sandbox) =>
    sandbox
      .ip<IpRule>('-4', 'rule')
      .filter(({ src }) => src !== 'all')
      .map(({ src, table }) => `${src} ${table}`);
  const addressOf = (sandbox: Sandbox, dev: string) =>
    sandbox.ip<{ addr_info: { local: string }[] }>('-4', 'addr', 'show', dev)[0]?.addr_info[0]?.local ?? '';

  before(async () => {
    node = await OneNode.start();
    addGuideNics();
    await node.createPool('ens192', 4, { ips: ['10.6.168.171-10.6.168.180'] });
    await node.createPool('ens224', 4, {
      subnet: '10.7.0.0/16',
      gateway: '10.7.0.1',
      ips: ['10.7.168.171-10.7.168.180'],
    });
    const sandbox = await sandboxOfNewPod();
    await runtime.add(first, sandbox);
    await runtime.del(first, sandbox);
    sandbox.dropNamespace();
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  test("the guide's two networks with veth give its routes, and DEL leaves nothing", async () => {
    const sandbox = await sandboxOfNewPod();
    await runtime.add(first, sandbox);
    const result = await runtime.add(second, sandbox, { interfaceName: 'net1' });
    assert.deepEqual(
      result.interfaces?.map(({ name }) => name),
      ['net1'],
    );
    assert.deepEqual(routes(sandbox, 'main'), [
      '10.244.0.0/16 via 10.6.0.101 veth0',
      '10.6.0.0/16 eth0',
      '10.6.0.101 veth0',
      '10.7.0.0/16 net1',
      '10.96.0.0/12 via 10.6.0.101 veth0',
      'default via 10.6.0.1 eth0',
    ]);
    // Each NIC answers through itself, also the NIC whose default route is in table main (docs/adr/0028).
    const answers = [`${addressOf(sandbox, 'net1')} 101`, `${addressOf(sandbox, 'eth0')} 99`];
    assert.deepEqual(sourceRules(sandbox), answers);
    assert.deepEqual(routes(sandbox, '101'), [
      '10.244.0.0/16 via 10.6.0.101 veth0',
      '10.6.0.101 veth0',
      '10.7.0.0/16 net1',
      '10.96.0.0/12 via 10.6.0.101 veth0',
      'default via 10.7.0.1 net1',
    ]);
    sandbox.run('ping', '-c1', '-W10', '10.6.0.101');
    for (const dev of ['eth0', 'net1']) runProgram('ping', ['-c1', '-W10', addressOf(sandbox, dev)]);
    await runtime.del(second, sandbox, { interfaceName: 'net1' });
    await runtime.del(first, sandbox);
    sandbox.dropNamespace();
  });

  describe('with versions that have CHECK, GC and STATUS', () => {
    const now = (network: Network, veth: object = {}): Network => ({
      ...network,
      cniVersion: '1.0.0',
      plugins: network.plugins.map((plugin) => (plugin.type === 'veth' ? { ...plugin, ...veth } : plugin)),
    });
    const [, vethConf = { type: 'veth' }] = first.plugins;

    test('CHECK names the broken object, and passes when nothing is broken', async () => {
      const network = now(first);
      const sandbox = await sandboxOfNewPod();
      await runtime.add(network, sandbox);
      await runtime.call('CHECK', network, vethConf, { sandbox }).then(({ exit }) => assert.equal(exit, 1));
      await runtime.check({ ...network, plugins: [vethConf] }, sandbox);
      sandbox.ip('route', 'delete', '10.96.0.0/12');
      await assert.rejects(runtime.check({ ...network, plugins: [vethConf] }, sandbox), /10\.96\.0\.0\/12/);
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    });

    test('GC removes unlisted attachments, and STATUS and VERSION answer', async () => {
      const sandbox = await sandboxOfNewPod();
      await runtime.add(first, sandbox);
      sandbox.dropNamespace();
      const network = { ...first, cniVersion: '1.1.0' };
      const gc = { ...vethConf, 'cni.dev/valid-attachments': [] };
      assert.equal((await runtime.call('GC', network, gc)).exit, 0);
      const ipam = { ...network.plugins[0], type: 'spiderpool', 'cni.dev/valid-attachments': [] };
      assert.equal((await runtime.call('GC', network, ipam)).exit, 0);
      for (const type of ['veth', 'router']) {
        assert.equal((await runtime.call('STATUS', network, { type })).exit, 0);
        const { json } = await runtime.exec(type, { CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.0.0"}');
        assert.deepEqual(json?.supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']);
      }
    });

    test('the pod gets the options of both generations', async () => {
      const network = now(first, { hardware_prefix: '0a:1b', rp_filter: { value: 2 } });
      const sandbox = await sandboxOfNewPod();
      await runtime.add(network, sandbox);
      const [link] = sandbox.ip<{ address: string }>('link', 'show', 'eth0');
      assert.match(link?.address ?? '', /^0a:1b:0a:06:a8:/);
      const filter = sandbox.run('cat', '/proc/sys/net/ipv4/conf/eth0/rp_filter');
      assert.equal(filter.trim(), '2');
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    });

    test('a wrong option is refused with its name in the configuration, and nothing is left', async () => {
      const network = now(first, { move_routes: 7 });
      const sandbox = await sandboxOfNewPod();
      await assert.rejects(runtime.add(network, sandbox), (error) => {
        assert.ok(error instanceof CniFailure);
        assert.equal(error.code, 7);
        assert.match(error.message, /veth configuration: move_routes: 7 is not one of 0, 1, 2/);
        return true;
      });
      // DEL gets the same configuration. It must not fail for the reason for which ADD refused.
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    });
  });

  describe('router beside an overlay', () => {
    const overlay: Network = {
      cniVersion: '1.0.0',
      name: 'overlay',
      plugins: [
        {
          type: 'ptp',
          ipam: {
            type: 'host-local',
            dataDir: '/run/overlay-leases',
            ranges: [[{ subnet: '10.244.1.0/24' }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
      ],
    };
    const companion = (options: object): Network => ({
      cniVersion: '1.0.0',
      name: 'underlay',
      plugins: [
        {
          type: 'macvlan',
          master: 'lan0',
          mode: 'bridge',
          ipam: { type: 'spiderpool', default_ipv4_ippool: ['ens192'] },
        },
        {
          type: 'router',
          service_hijack_subnet: ['10.96.0.0/16'],
          overlay_hijack_subnet: ['10.244.0.0/16'],
          ...options,
        },
      ],
    });
    const networks = { 'k8s.v1.cni.cncf.io/networks': 'kube-system/underlay' };

    async function withPod(options: object, look: (sandbox: Sandbox) => void): Promise<void> {
      const sandbox = await sandboxOfNewPod(networks);
      const network = companion(options);
      await runtime.add(overlay, sandbox);
      await runtime.add(network, sandbox, { interfaceName: 'net1' });
      await runtime.check({ ...network, plugins: network.plugins.slice(1) }, sandbox, {
        interfaceName: 'net1',
      });
      look(sandbox);
      await runtime.del(network, sandbox, { interfaceName: 'net1' });
      assert.equal(sourceRules(sandbox).length, 0);
      await runtime.del(overlay, sandbox);
      sandbox.dropNamespace();
    }

    test("the default route uses the newest NIC, and the overlay's address answers through its own table", async () => {
      await withPod({}, (sandbox) => {
        const own = addressOf(sandbox, 'eth0');
        assert.ok(routes(sandbox, 'main').includes('default via 10.6.0.1 net1'));
        assert.ok(!routes(sandbox, 'main').includes('default via 10.244.1.1 eth0'));
        assert.ok(routes(sandbox, '101').includes('default via 10.244.1.1 eth0'));
        assert.deepEqual(sourceRules(sandbox), [`${own} 101`, `${addressOf(sandbox, 'net1')} 99`]);
        assert.ok(routes(sandbox, 'main').includes('10.96.0.0/16 via 10.6.0.101 eth0'));
        sandbox.run('ping', '-c1', '-W10', '10.6.0.101');
        for (const dev of ['eth0', 'net1']) runProgram('ping', ['-c1', '-W10', addressOf(sandbox, dev)]);
      });
    });

    test('with migrate_route 0 no route moves', async () => {
      await withPod({ migrate_route: 0 }, (sandbox) => {
        assert.ok(routes(sandbox, 'main').includes('default via 10.244.1.1 eth0'));
        assert.deepEqual(sourceRules(sandbox), []);
        assert.ok(routes(sandbox, 'main').includes('10.96.0.0/16 via 10.6.0.101 eth0'));
      });
    });
  });
}
