// Pods of CNI type `neutron`: the agent, the C executable and macvlan on a node whose NIC is a port of the real Neutron.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodeAddress, nodeNic, OneNode } from '../e2e/one-node.ts';
import { runProgram, until } from '../e2e/program.ts';
import { type AddResult, CniFailure, type Network, Runtime, Sandbox, underlay } from '../e2e/runtime.ts';
import { Api, environmentOf, type PortObject } from './scene.ts';
import { authUrl, cloudAddress, member } from './servers/place.ts';

let api: Api;
let node: OneNode;
let networkId: string;
let subnetId: string;
let port: PortObject;
const runtime = new Runtime();
const ip = (...words: readonly string[]) => runProgram('ip', words);

before(async () => {
  api = await Api.of();
  const network = await api.make('network', { name: 'nodes' });
  networkId = network.id;
  const fields = {
    network_id: networkId,
    cidr: '10.6.0.0/16',
    ip_version: 4,
    dns_nameservers: ['10.6.0.53'],
  };
  subnetId = (await api.make('subnet', fields)).id;
  const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
  port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
  await api.makeServer('node', port.id);
  Object.assign(process.env, environmentOf());
  node = await OneNode.start({ agent: { addressRestSeconds: 1, neutronReadyLow: 3, neutronReadyHigh: 6 } });
  ip('link', 'set', nodeNic, 'address', port.mac_address);
});
after(async () => {
  if (process.env.OW_DEBUG !== undefined) console.log(node.agent.log.slice(-6000));
  await runtime.clear();
  await node.stop();
  for (const link of [nodeNic, 'lan']) ip('link', 'delete', link);
});

const network = (ipam: Readonly<Record<string, unknown>> = {}): Network =>
  underlay({}, { ipam: { type: 'neutron', neutronConf: { hostInterface: nodeNic }, ...ipam } });

async function portNow(): Promise<PortObject> {
  return (await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`)).port;
}

async function onPort(): Promise<string[]> {
  return (await portNow()).fixed_ips.map(({ ip_address }) => ip_address);
}

const addressOf = ({ ips }: AddResult): string => ips?.[0]?.address.split('/')[0] ?? '';

/** Adds a pod, and gives its sandbox and address. */
async function addPod(
  name: string,
  ipam = {},
): Promise<{ sandbox: Sandbox; address: string; result: AddResult }> {
  const sandbox = await Sandbox.ofNewPod(node, name);
  const result = await runtime.add(network(ipam), sandbox);
  return { sandbox, result, address: addressOf(result) };
}

async function del(...sandboxes: readonly Sandbox[]): Promise<void> {
  for (const sandbox of sandboxes) {
    await runtime.del(network(), sandbox);
    sandbox.dropNamespace();
  }
}

const failing = async (run: Promise<unknown>): Promise<CniFailure> => {
  const error: unknown = await run.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CniFailure, String(error));
  return error;
};

describe('a network configuration', () => {
  const secrets = { openstackConf: { username: member.username, password: 'c111f3c44f352e91ce76' } };
  test('with a secret is refused, by the name of the field and without the secret', async () => {
    const { code, message } = await failing(addPod('secret', secrets));
    assert.equal(code, 7);
    assert.match(message, /ipam\.openstackConf\.password must not be here/);
    assert.doesNotMatch(message, /c111f3c44f352e91ce76/);
  });

  test('of another login, network or mode is refused', async () => {
    const login = await failing(addPod('login', { openstackConf: { username: 'somebody' } }));
    assert.match(login.message, /ipam\.openstackConf\.username is "somebody", and the login of the agent/);
    const other = { neutronConf: { networks: ['another'], hostInterface: nodeNic } };
    assert.match(
      (await failing(addPod('network', other))).message,
      /the port of the NIC|is in network|networks/,
    );
    const mode = await failing(addPod('mode', { neutronConf: { mode: 'eni' } }));
    assert.match(
      mode.message,
      /ipam\.neutronConf\.mode: "eni" is not one of fixed-ips, address-pairs, port, mix, mix-route, separate/,
    );
  });
});

describe('pods on the port of their VM', () => {
  test('of a configuration of the older plugin without its password reach each other and their node', async () => {
    const { username, project } = member;
    const ipam = {
      openstackConf: { username, project, domain: 'default', authUrl },
      neutronConf: { mode: 'mix', hostInterface: nodeNic, networks: [networkId] },
      routes: [{ dst: '0.0.0.0/0' }, { dst: '192.168.0.0/16', gw: '10.6.0.9' }],
    };
    const one = await addPod('one', ipam);
    const two = await addPod('two', ipam);
    assert.notEqual(one.address, two.address);
    const there = await onPort();
    for (const { address } of [one, two]) assert.ok(there.includes(address), address);
    assert.equal(one.result.ips?.[0]?.gateway, '10.6.0.1');
    for (const to of [two.address, nodeAddress[4]]) one.sandbox.run('ping', '-c1', '-W5', to);
    const routes = one.sandbox.ip<{ dst: string; gateway?: string }>('route');
    assert.equal(routes.find(({ dst }) => dst === '192.168.0.0/16')?.gateway, '10.6.0.9');
    await runtime.check(network(ipam), one.sandbox);
    await del(one.sandbox, two.sandbox);
  });

  test('need no request: Neutron sees nothing of an ADD and a DEL', async () => {
    await until('addresses are ready', async () => (await onPort()).length >= 1 + 3);
    const { revision_number } = await portNow();
    const one = await addPod('quiet');
    await del(one.sandbox);
    assert.equal((await portNow()).revision_number, revision_number);
  });

  test('start and end while the cloud is away; what they need comes when it is back', async () => {
    await until('six are ready', async () => (await onPort()).length >= 1 + 6);
    ip('address', 'delete', `${cloudAddress}/32`, 'dev', 'lo');
    const pods: Awaited<ReturnType<typeof addPod>>[] = [];
    try {
      for (const name of ['away-1', 'away-2', 'away-3']) pods.push(await addPod(name));
      await del(...pods.splice(2).map(({ sandbox }) => sandbox));
    } finally {
      ip('address', 'add', `${cloudAddress}/32`, 'dev', 'lo');
    }
    const there = await onPort();
    for (const { address } of pods) assert.ok(there.includes(address), address);
    await del(...pods.map(({ sandbox }) => sandbox));
  });

  test('keep their addresses when the agent is killed, and no other pod gets them', async () => {
    const pods = await Promise.all(['a', 'b', 'c', 'd'].map((name) => addPod(`killed-${name}`)));
    await node.agent.stop('SIGKILL');
    await node.startAgent();
    const more = await Promise.all(['e', 'f', 'g'].map((name) => addPod(`killed-${name}`)));
    const all = [...pods, ...more];
    assert.equal(new Set(all.map(({ address }) => address)).size, all.length);
    for (const { sandbox } of all) await runtime.check(network(), sandbox);
    const there = await onPort();
    for (const { address } of all) assert.ok(there.includes(address), address);
    await del(...all.map(({ sandbox }) => sandbox));
    await until('only those that are ready stay', async () => (await onPort()).length <= 1 + 6, 60_000);
  });

  test('whose address an operator takes off the port fail their CHECK', async () => {
    const one = await addPod('robbed');
    const kept = (await onPort()).filter((address) => address !== one.address);
    const fixed_ips = kept.map((ip_address) => ({ subnet_id: subnetId, ip_address }));
    await api.neutron('PUT', `/ports/${port.id}`, { port: { fixed_ips } });
    const { message } = await failing(runtime.check(network(), one.sandbox));
    assert.match(
      message,
      new RegExp(`address ${one.address} of interface eth0 is not held .* in Neutron: ${port.id} any more`),
    );
    await del(one.sandbox);
  });

  test('that GC does not name lose their address', async () => {
    const stays = await addPod('stays');
    const ends = await addPod('ends');
    const { name, plugins } = network();
    const [plugin] = plugins;
    assert.ok(plugin !== undefined);
    const valid = { 'cni.dev/valid-attachments': [{ containerID: stays.sandbox.id, ifname: 'eth0' }] };
    const ours = { ...plugin, ...valid, type: 'neutron' };
    const gc = await runtime.call('GC', { cniVersion: '1.1.0', name, plugins: [] }, ours);
    assert.equal(gc.exit, 0, gc.stdout);
    const status = await runtime.call('STATUS', { cniVersion: '1.1.0', name, plugins: [] }, ours);
    assert.equal(status.exit, 0, status.stdout);
    await runtime.check(network(), stays.sandbox);
    const { message } = await failing(runtime.check(network(), ends.sandbox));
    assert.match(message, /no addresses are recorded/);
    await del(stays.sandbox, ends.sandbox);
  });
});

describe('pods of another mode', () => {
  const ownPorts = async (): Promise<readonly PortObject[]> => {
    const query = `network_id=${networkId}&device_owner=orbweaver:pod`;
    return (await api.neutron<{ ports: readonly PortObject[] }>('GET', `/ports?${query}`)).ports;
  };
  const hasPort = async (address: string): Promise<boolean> =>
    (await ownPorts()).some(({ fixed_ips }) => fixed_ips[0]?.ip_address === address);
  const pairs = async (): Promise<string[]> => {
    const { port: now } = await api.neutron<{
      port: { allowed_address_pairs: readonly { ip_address: string }[] };
    }>('GET', `/ports/${port.id}`);
    return now.allowed_address_pairs.map(({ ip_address }) => ip_address);
  };

  for (const mode of ['port', 'address-pairs'] as const) {
    const ipam = { neutronConf: { mode, hostInterface: nodeNic } };

    test(`${mode} have an address each, keep it when the agent is killed, and give it back`, async () => {
      const [one, two] = await Promise.all([addPod(`${mode}-1`, ipam), addPod(`${mode}-2`, ipam)]);
      for (const { address } of [one, two]) {
        assert.ok(await hasPort(address), address);
        assert.equal((await pairs()).includes(address), mode === 'address-pairs');
        assert.ok(!(await onPort()).includes(address));
      }
      one.sandbox.run('ping', '-c1', '-W5', two.address);
      await node.agent.stop('SIGKILL');
      await node.startAgent();
      for (const { sandbox } of [one, two]) await runtime.check(network(ipam), sandbox);
      const own = (await ownPorts()).find(({ fixed_ips }) => fixed_ips[0]?.ip_address === one.address);
      await api.neutron('DELETE', `/ports/${own?.id}`);
      const { message } = await failing(runtime.check(network(ipam), one.sandbox));
      assert.match(message, new RegExp(`address ${one.address} of interface eth0 is not held`));
      await del(one.sandbox, two.sandbox);
    });
  }

  test('ask for an address and for security groups by annotation', async () => {
    const { security_group: group } = await api.neutron<{ security_group: { id: string } }>(
      'POST',
      '/security-groups',
      { security_group: { name: 'asked' } },
    );
    const annotations = {
      'ipam.orbweaver.io/ips': JSON.stringify({ eth0: '10.6.7.7' }),
      'openstack.orbweaver.io/security-groups': group.id,
    };
    const ipam = { neutronConf: { mode: 'separate', networks: [networkId], hostInterface: nodeNic } };
    const sandbox = await Sandbox.ofNewPod(node, 'asks', { annotations });
    const result = await runtime.add(network(ipam), sandbox);
    assert.equal(addressOf(result), '10.6.7.7');
    const own = (await ownPorts()).find(({ fixed_ips }) => fixed_ips[0]?.ip_address === '10.6.7.7');
    assert.deepEqual(own?.security_groups, [group.id]);
    const refused = async (name: string, of: Network): Promise<string> => {
      const pod = await Sandbox.ofNewPod(node, name, { annotations });
      const { message } = await failing(runtime.add(of, pod));
      await del(pod);
      return message;
    };
    assert.match(await refused('asks-too', network(ipam)), /10\.6\.7\.7 is of another pod/);
    const inFixedIps = await refused('asks-groups', network());
    assert.match(inFixedIps, /in mode fixed-ips a pod has the security groups of its VM's port/);
    await del(sandbox);
    await until('the port is deleted', async () => !(await hasPort('10.6.7.7')), 60_000);
  });
});
