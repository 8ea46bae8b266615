// Pods of CNI type `host-device-plus` with NICs that the real Nova attaches: the agent, the C executable, and a stand-in
// for the hypervisor that plugs the NICs in.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resources } from '#api';
import { isOrbError, silentLogger, systemClock } from '#base';
import { clearNics } from '#openstack/own-nics';
import { nodeAddress, nodeNic, OneNode } from '../e2e/one-node.ts';
import { runProgram, until } from '../e2e/program.ts';
import { type AddResult, CniFailure, type Network, Runtime, Sandbox } from '../e2e/runtime.ts';
import { Hypervisor } from './hypervisor.ts';
import { NeutronDatabase } from './neutron-database.ts';
import { Api, client, environmentOf, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';

interface NamedPort extends PortObject {
  readonly name: string;
  readonly description: string;
}

/** What the VM's machine has slots for, without the node's own NIC (test/openstack/main.ts). */
const FOR_PODS = 3;
/** NICs that stay ready. */
const KEPT = 1;

let api: Api;
let node: OneNode;
let networkId: string;
let serverId: string;
let database: NeutronDatabase;
let hypervisor: Hypervisor;
const runtime = new Runtime();

before(async () => {
  api = await Api.of();
  networkId = (await api.make('network', { name: 'nics' })).id;
  const subnet = {
    network_id: networkId,
    cidr: '10.6.0.0/16',
    ip_version: 4,
    dns_nameservers: ['10.6.0.53'],
  };
  const subnetId = (await api.make('subnet', subnet)).id;
  const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
  const port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
  serverId = await api.makeServer('node', port.id);
  Object.assign(process.env, environmentOf());
  database = new NeutronDatabase();
  node = await OneNode.start({ agent: { nicsReadyLow: 0, nicsReadyHigh: KEPT } });
  runProgram('ip', ['link', 'set', nodeNic, 'address', port.mac_address]);
  const operator = await Api.of(admin);
  hypervisor = new Hypervisor({ operator, database, serverId, bridge: 'lan', known: [port.id] });
});
after(async () => {
  if (process.env.OW_DEBUG !== undefined) console.log(node.agent.log.slice(-6000));
  await runtime.clear();
  await node.stop();
  await hypervisor.stop();
  database.close();
  for (const link of [nodeNic, 'lan']) runProgram('ip', ['link', 'delete', link]);
});

const network = (neutronConf = {}): Network => ({
  ...{ cniVersion: '1.1.0', name: 'nics' },
  plugins: [
    {
      type: 'host-device-plus',
      ipam: { type: 'neutron', neutronConf: { mode: 'eni', hostInterface: nodeNic, ...neutronConf } },
    },
  ],
});

/** The ports that the agent has made. */
async function made(): Promise<NamedPort[]> {
  const { ports } = await api.neutron<{ ports: NamedPort[] }>('GET', `/ports?network_id=${networkId}`);
  return ports.filter(({ name }) => name.startsWith('orbweaver '));
}

const linksOf = (): string[] =>
  (JSON.parse(runProgram('ip', ['-j', 'link'])) as { ifname: string }[]).map(({ ifname }) => ifname);

async function addPod(name: string, neutronConf = {}): Promise<{ sandbox: Sandbox; result: AddResult }> {
  const sandbox = await Sandbox.ofNewPod(node, name);
  return { sandbox, result: await runtime.add(network(neutronConf), sandbox) };
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

/** The text of the pod's Event that it has no NIC. */
async function eventOf(pod: string): Promise<string> {
  const { items } = await node.client.list(resources.events);
  const found = items.find((one) => one.involvedObject?.name === pod && one.reason === 'NicMissing');
  return found?.message ?? '';
}

const addressOf = ({ ips }: AddResult): string => ips?.[0]?.address.split('/')[0] ?? '';

describe('a pod with a NIC of its own', () => {
  test('has the addresses and the MAC address of a port, and reaches others with it', async () => {
    const { sandbox, result } = await addPod('first');
    const [port] = await made();
    assert.equal(result.interfaces?.[0]?.mac, port?.mac_address);
    assert.deepEqual(
      result.ips?.map(({ address }) => address),
      port?.fixed_ips.map(({ ip_address }) => `${ip_address}/16`),
    );
    assert.match(sandbox.run('ping', '-c1', '-w5', '-I', addressOf(result), nodeAddress[4]), /1 received/);
    assert.match(sandbox.run('ip', 'route'), /^default via 10\.6\.0\.1 dev eth0/);
    await runtime.check(network(), sandbox);
    assert.match(
      port?.description ?? '',
      new RegExp(`^orbweaver: ledger nics-${serverId} of node .*, cluster .+`),
    );
    assert.ok(!linksOf().some((name) => /^ens/.test(name)));
    await del(sandbox);
    assert.ok(linksOf().some((name) => /^ens/.test(name)));
  });

  test('gives it to the next pod, which waits for no server', async () => {
    const [port] = await made();
    await until('the NIC is ready', async () => linksOf().some((name) => /^ens/.test(name)));
    const { sandbox, result } = await addPod('second');
    assert.equal(result.interfaces?.[0]?.mac, port?.mac_address);
    assert.equal((await made()).length, 1);
    await del(sandbox);
  });

  test('of a mode that needs another plugin, or with two NICs to choose from, is refused', async () => {
    const both = await Sandbox.ofNewPod(node, 'both');
    const { name, plugins } = network();
    const twice = {
      cniVersion: '1.1.0',
      name,
      plugins: [{ ...plugins[0], type: 'host-device-plus', device: 'x' }],
    };
    const { code, message } = await failing(runtime.add(twice, both));
    assert.equal(code, 7);
    assert.match(message, /device and ipam\.neutronConf\.mode choose a NIC: give one of them/);
    both.dropNamespace();
  });
});

describe('when the cloud refuses', () => {
  test('a NIC more than the VM has slots for, the pod is told so, and nothing is left', async () => {
    const pods = [];
    for (let i = 0; i < FOR_PODS; i++) pods.push(await addPod(`slot-${i}`));
    for (const again of ['learned', 'known']) {
      const { code, message } = await failing(addPod(`too-many-${again}`));
      assert.equal(code, 11);
      assert.match(message, new RegExp(`VM ${serverId} has ${FOR_PODS + 1} NICs, and Nova refuse`));
      if (again === 'learned') assert.match(message, /Failed to attach network adapter device/);
      assert.equal((await made()).length, FOR_PODS);
      const pattern = /^interface eth0 gets no NIC: OPENSTACK_NICS_FULL: VM .* Run fewer pods/;
      await until('the pod has an Event', async () => pattern.test(await eventOf(`too-many-${again}`)));
    }
    await del(pods[0]?.sandbox ?? assert.fail());
    const next = await addPod('next');
    assert.equal(next.result.interfaces?.[0]?.mac, pods[0]?.result.interfaces?.[0]?.mac);
    await del(next.sandbox, ...pods.slice(1).map(({ sandbox }) => sandbox));
    await until('NICs above the limit leave', async () => (await made()).length === KEPT, 60_000);
  });

  test('a port for the quota, the pod is told so, and nothing is left', async () => {
    const operator = await Api.of(admin);
    const quota = (port: number) => operator.neutron('PUT', `/quotas/${api.projectId}`, { quota: { port } });
    const first = await addPod('within');
    const { ports } = await api.neutron<{ ports: unknown[] }>('GET', '/ports');
    await quota(ports.length);
    try {
      const { code, message } = await failing(addPod('beyond'));
      assert.equal(code, 11);
      assert.match(message, /Quota exceeded for resources: \['port'\]/);
      assert.equal((await made()).length, 1);
    } finally {
      await quota(-1);
      await del(first.sandbox);
    }
  });

  test('to carry packets in time, the pod is told what is missing, and the NIC is taken away', async () => {
    const first = await addPod('wired');
    hypervisor.wires = false;
    const { message } = await failing(addPod('unwired'));
    assert.match(message, /its NIC \(fa:[^)]*\) is not on the node, and the port is DOWN/);
    hypervisor.wires = true;
    await until('the NIC is taken away', async () => (await made()).length === 1);
    await del(first.sandbox);
  });
});

describe('what others do', () => {
  test('a NIC that an operator detaches fails the CHECK of its pod, and leaves with it', async () => {
    const { sandbox, result } = await addPod('robbed');
    const port = (await made()).find(({ mac_address }) => mac_address === result.interfaces?.[0]?.mac);
    await api.nova('DELETE', `/servers/${serverId}/os-interface/${port?.id}`);
    await until('the NIC is gone', async () => !sandbox.ip('link').some(({ ifname }) => ifname === 'eth0'));
    const { message } = await failing(runtime.check(network(), sandbox));
    assert.match(message, /interface eth0 is missing/);
    await del(sandbox);
    await until('the port is deleted', async () => !(await made()).some(({ id }) => id === port?.id), 60_000);
  });

  test('a namespace that ends before its DEL takes the NIC along, and the port is deleted', async () => {
    const { sandbox, result } = await addPod('crashed');
    sandbox.dropNamespace();
    await runtime.del(network(), sandbox);
    const isIt = ({ mac_address }: PortObject) => mac_address === result.interfaces?.[0]?.mac;
    await until('the port is deleted', async () => !(await made()).some(isIt), 60_000);
  });

  test('GC takes back what it does not name, and STATUS is answered', async () => {
    const { sandbox } = await addPod('ends');
    const { name, plugins } = network();
    const [plugin] = plugins;
    assert.ok(plugin !== undefined);
    const gc = await runtime.call('GC', network(), { ...plugin, 'cni.dev/valid-attachments': [] });
    assert.equal(gc.exit, 0, gc.stdout);
    const status = await runtime.call('STATUS', { cniVersion: '1.1.0', name, plugins: [] }, plugin);
    assert.equal(status.exit, 0, status.stdout);
    assert.match((await failing(runtime.check(network(), sandbox))).message, /no NIC is recorded/);
    await del(sandbox);
  });
});

test('an agent that is killed at any moment leaves no NIC and no port behind', async () => {
  for (const afterMs of [30, 500, 1_400]) {
    const sandbox = await Sandbox.ofNewPod(node, `killed-${afterMs}`);
    // Another network each time would be needed for a new NIC, but the one that is kept is taken first.
    const taken = await addPod(`takes-${afterMs}`);
    const added = runtime.add(network(), sandbox).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await node.agent.stop('SIGKILL');
    await added;
    await node.startAgent();
    await del(sandbox, taken.sandbox);
  }
  await until('only what is kept ready stays', async () => (await made()).length <= KEPT, 120_000);
  const path = `/servers/${serverId}/os-interface`;
  const count = async () =>
    (await api.nova<{ interfaceAttachments: unknown[] }>('GET', path)).interfaceAttachments.length;
  await until('the VM has no other NIC', async () => (await count()) <= 1 + KEPT, 60_000);
});

test('a node that is left loses all NICs that it got for pods', async () => {
  const { sandbox } = await addPod('last');
  await del(sandbox);
  await node.agent.stop();
  const cloud = client();
  const parts = { cloud: () => cloud, serverId: async () => serverId, clock: systemClock, log: silentLogger };
  // The last request of an agent that was killed may still be under way.
  const isCleared = () =>
    clearNics('/var/lib/orbweaver/openstack', parts).then(
      () => true,
      (error: unknown) => {
        if (isOrbError(error, 'OPENSTACK_NIC_LATE')) return false;
        throw error;
      },
    );
  try {
    await until('no NIC is left', isCleared, 150_000);
  } finally {
    cloud.close();
  }
  assert.deepEqual(await made(), []);
});
