// Pods on a parent that `ifacer` makes first: a VLAN of the node's NIC, and a VLAN of a bond. The macvlan and the agent are real.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needs } from '../uml/kernel-part.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, nodeNic, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { type Network, Runtime, Sandbox } from './runtime.ts';

const ip = (line: string) => runProgram('ip', line.split(' '));

/** The output of `ip -j link` for a link of the node; undefined when the link does not exist. */
function linkOf(name: string): { ifindex: number; link?: string; flags: string[] } | undefined {
  const all = JSON.parse(ip('-j link')) as {
    ifname: string;
    ifindex: number;
    link?: string;
    flags: string[];
  }[];
  return all.find(({ ifname }) => ifname === name);
}

if (insideNamespaces(import.meta.filename)) {
  describe('a parent made by ifacer', needs('vlan', 'bond', 'nftables'), () => {
    const runtime = new Runtime();
    let node: OneNode;
    let pods = 0;

    /** The chain of a SpiderMultusConfig: ifacer, macvlan on the link that ifacer makes, coordinator. */
    const chain = (vlanId: number, ifacer: object, parent: string): Network => ({
      cniVersion: '1.0.0',
      name: `vlan${vlanId}`,
      plugins: [
        { type: 'ifacer', vlanID: vlanId, ...ifacer },
        {
          type: 'macvlan',
          master: `${parent}.${vlanId}`,
          mode: 'bridge',
          ipam: { type: 'spiderpool', default_ipv4_ippool: [`v${vlanId}`] },
        },
        { type: 'coordinator' },
      ],
    });
    const tagged = chain(100, { interfaces: [nodeNic] }, nodeNic);
    const bond = { name: 'bond7', mode: 1, options: 'miimon=100;primary=spare0' };
    const bonded = chain(200, { interfaces: ['spare0', 'spare1'], bond }, 'bond7');

    async function attached(network: Network): Promise<{ sandbox: Sandbox; address: string }> {
      const sandbox = await Sandbox.ofNewPod(node, `pod-${++pods}`);
      const { ips = [] } = await runtime.add(network, sandbox);
      return { sandbox, address: ips[0]?.address.split('/')[0] ?? '' };
    }

    async function end(sandbox: Sandbox, network: Network): Promise<void> {
      await runtime.del(network, sandbox);
      sandbox.dropNamespace();
    }

    const ping = ({ sandbox }: { sandbox: Sandbox }, address: string) =>
      sandbox.run('ping', '-c1', '-W10', address);

    /** The LAN's router, with an interface in each VLAN (10.100.0.1 and 10.200.0.1), and two spare NICs of the node on the LAN. */
    function makeVlans(): void {
      const lines = [
        'netns add router',
        'link add lan-port9 master lan up type veth peer name eth0 netns router',
        '-n router link set eth0 up',
        ...[100, 200].flatMap((id) => [
          `-n router link add link eth0 name eth0.${id} up type vlan id ${id}`,
          `-n router address add 10.${id}.0.1/16 dev eth0.${id}`,
        ]),
        ...[0, 1].map((i) => `link add spare${i} type veth peer name lan-spare${i}`),
        ...[0, 1].map((i) => `link set lan-spare${i} master lan up`),
      ];
      for (const line of lines) ip(line);
    }

    before(async () => {
      node = await OneNode.start();
      makeVlans();
      for (const id of [100, 200]) {
        const spec = {
          subnet: `10.${id}.0.0/16`,
          gateway: `10.${id}.0.1`,
          ips: [`10.${id}.1.1-10.${id}.1.99`],
        };
        await node.createPool(`v${id}`, 4, spec);
      }
    });
    after(() => node.stop());

    test('pods that start together share one VLAN, and reach their router, one another and their node', async () => {
      const [one, other, third] = await Promise.all([attached(tagged), attached(tagged), attached(tagged)]);
      assert.equal(linkOf(`${nodeNic}.100`)?.link, nodeNic);
      ping(one, '10.100.0.1');
      ping(one, other.address);
      ping(other, nodeAddress[4]);
      runProgram('ping', ['-c1', '-W10', other.address]);
      await runtime.check(tagged, one.sandbox);
      for (const { sandbox } of [one, other, third]) await end(sandbox, tagged);
      assert.ok(linkOf(`${nodeNic}.100`), 'the parent serves the next pod');
    });

    test('after a reboot, the next pod makes the parent again, and CHECK of an older pod reports it until then', async () => {
      const before = await attached(tagged);
      const { ifindex = 0 } = linkOf(`${nodeNic}.100`) ?? {};
      await node.agent.stop('SIGKILL');
      ip(`link delete ${nodeNic}.100`);
      await node.startAgent();
      await assert.rejects(runtime.check(tagged, before.sandbox), /vlan interface lan0\.100 is missing/);
      const next = await attached(tagged);
      assert.notEqual(linkOf(`${nodeNic}.100`)?.ifindex, ifindex);
      ping(next, '10.100.0.1');
      for (const { sandbox } of [before, next]) await end(sandbox, tagged);
    });

    test('a pod on the VLAN of a bond keeps its router when the active port loses its cable', async () => {
      const pod = await attached(bonded);
      assert.match(ip('-d link show bond7'), /mode active-backup .*miimon 100 .*primary spare0/);
      assert.equal(linkOf('bond7.200')?.link, 'bond7');
      ping(pod, '10.200.0.1');
      ip('link set lan-spare0 down');
      await until('the other port is active', () => ip('-d link show bond7').includes('active_slave spare1'));
      ping(pod, '10.200.0.1');
      ping(pod, nodeAddress[4]);
      ip('link set lan-spare0 up');
      await end(pod.sandbox, bonded);
    });

    test('the next pod adds the missing port to a bond', async () => {
      ip('link set spare1 nomaster');
      const pod = await attached(bonded);
      assert.match(ip('link show master bond7'), /spare0.*spare1/s);
      ping(pod, '10.200.0.1');
      await end(pod.sandbox, bonded);
    });

    test("the node's own interface does not become a port of a bond, and keeps its address", async () => {
      const wrong = chain(
        200,
        { interfaces: [nodeNic, 'spare0'], bond: { name: 'bond8', mode: 1 } },
        'bond8',
      );
      const refused = /interface lan0 has address 10\.6\.0\.101\/16: a port of bond bond8 cannot keep it/;
      await assert.rejects(attached(wrong), refused);
      assert.equal(linkOf('bond8'), undefined);
      assert.match(ip(`address show ${nodeNic}`), /10\.6\.0\.101/);
    });
  });
}
