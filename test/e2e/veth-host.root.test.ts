// CNI type `veth-host` after ipvlan, or after macvlan on a kernel without ipvlan, with addresses of a port of Neutron.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resources } from '#api';
import { lackingParts, needs } from '../uml/kernel-part.ts';
import { CloudSite, far, sawAll, seen } from './cloud-site.ts';
import { insideNamespaces } from './namespaces.ts';
import { NeutronStandIn } from './neutron-stand-in.ts';
import { nodeAddress, nodeNic, OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';
import { publishedNetwork, tryWalkThrough, vethHost } from './veth-host-walk.ts';

/** A MAC address as Neutron gives them. */
const mac = 'fa:16:3e:5c:21:9b';

if (insideNamespaces(import.meta.filename)) {
  const kind = lackingParts(['ipvlan']).length === 0 ? 'ipvlan' : 'macvlan';

  describe(`veth-host after ${kind}`, needs('nftables', 'nat'), () => {
    const runtime = new Runtime();
    let neutron: NeutronStandIn;
    let node: OneNode;
    let site: CloudSite;
    let network: Network;

    before(async () => {
      neutron = await NeutronStandIn.start(mac, nodeAddress[4]);
      Object.assign(process.env, neutron.environment);
      node = await OneNode.start();
      runProgram('ip', ['link', 'set', nodeNic, 'address', mac]);
      // The configuration alone says what pods reach through their node.
      await node.client.delete(resources.spiderCoordinators, { name: 'default' });
      site = await CloudSite.start(kind);
      const login = {
        username: 'cni',
        project: 'k8s',
        domain: 'default',
        authUrl: neutron.environment.OS_AUTH_URL ?? '',
      };
      network = publishedNetwork(kind, login, neutron.networkId);
    });
    after(async () => {
      await runtime.clear();
      await site.stop();
      await node.stop();
      neutron.stop();
    });

    tryWalkThrough(() => ({ node, runtime, site, network, onPort: async () => neutron.addresses }));

    test(
      'an ipvlan of mode L2 has the MAC address that the port allows (OS-12, OS-17)',
      needs('ipvlan'),
      async () => {
        const sandbox = await Sandbox.ofNewPod(node, 'ipvlan');
        await runtime.add(network, sandbox);
        const [nic] = sandbox.ip<{ address: string; linkinfo: { info_data: { mode: string } } }>(
          ...['-d', 'link', 'show', 'eth0'],
        );
        assert.deepEqual([nic?.address, nic?.linkinfo.info_data.mode], [mac, 'l2']);
        await runtime.del(network, sandbox);
        sandbox.dropNamespace();
      },
    );

    test('with addresses of pools, Services are reached in both families, also far endpoints', async () => {
      await node.createPools();
      const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
      const [main] = network.plugins;
      assert.ok(main !== undefined);
      const both = { ...vethHost, serviceCidr: '172.20.252.0/22,fd00:20::/112' };
      const pools = { ...network, cniVersion: '1.0.0', plugins: [{ ...main, ipam }, both] };
      const sandbox = await Sandbox.ofNewPod(node, 'pools');
      await runtime.add(pools, sandbox);
      const table = 'table ip6 services { chain pre { type nat hook prerouting priority dstnat;';
      runProgram('nft', [`${table} ip6 daddr fd00:20::b dnat to ${far.same6}; }; }`]);
      assert.deepEqual(seen(sandbox, 'fd00:20::b'), sawAll(nodeAddress[6]));
      runProgram('nft', ['delete', 'table', 'ip6', 'services']);
      await runtime.check(pools, sandbox);
      await runtime.del(pools, sandbox);
      sandbox.dropNamespace();
    });

    test('a wrong option is refused by its name, and leaves nothing', async () => {
      const wrong = {
        ...network,
        plugins: [...network.plugins.slice(0, 1), { ...vethHost, containerInterface: 'eth1' }],
      };
      const sandbox = await Sandbox.ofNewPod(node, 'wrong');
      await assert.rejects(runtime.add(wrong, sandbox), (error) => {
        assert.ok(error instanceof CniFailure);
        assert.equal(error.code, 7);
        assert.match(error.message, /veth-host configuration: containerInterface: "eth1" must be veth0/);
        return true;
      });
      const names = sandbox.ip<{ ifname: string }>('link').map(({ ifname }) => ifname);
      assert.ok(!names.includes('veth0'));
      await runtime.del(wrong, sandbox);
      sandbox.dropNamespace();
    });
  });
}
