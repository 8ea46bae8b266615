// Pods that get no address of Neutron: what the runtime is answered, which Event the pod has, and what its Node says to the
// scheduler.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Event, type Pod, resources } from '#api';
import { nodeAddress, nodeName, nodeNic, OneNode } from '../e2e/one-node.ts';
import { runProgram, until } from '../e2e/program.ts';
import { CniFailure, type Network, Runtime, Sandbox, underlay } from '../e2e/runtime.ts';
import { Api, environmentOf, type PortObject } from './scene.ts';
import { admin, cloudAddress } from './servers/place.ts';

/** CNI specification 1.1, section 5: try again later. */
const TRY_AGAIN = 11;
/** A NIC in a network of another project, and one that is no port. */
const sharedNic = 'shared0';
const strangerNic = 'stranger0';

let api: Api;
let node: OneNode;
let subnetId: string;
const runtime = new Runtime();
const ip = (...words: readonly string[]) => runProgram('ip', words);
const pool = (last: number) => ({ allocation_pools: [{ start: '10.6.1.1', end: `10.6.1.${last}` }] });

before(async () => {
  api = await Api.of();
  const network = await api.make('network', { name: 'small' });
  const fields = { network_id: network.id, cidr: '10.6.0.0/16', ip_version: 4, ...pool(2) };
  subnetId = (await api.make('subnet', fields)).id;
  const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
  const port = await api.make<PortObject>('port', { network_id: network.id, fixed_ips });
  await api.makeServer('node', port.id);
  const operator = await Api.of(admin);
  const foreign = await operator.make('network', { name: 'foreign', shared: true });
  await operator.make('subnet', { network_id: foreign.id, cidr: '10.7.0.0/24', ip_version: 4 });
  const second = await api.make<PortObject>('port', { network_id: foreign.id });
  await api.makeServer('guest', second.id);
  Object.assign(process.env, environmentOf());
  const agent = {
    ...{ addressRestSeconds: 0, neutronReadyLow: 0, neutronReadyHigh: 0 },
    neutronCountAddresses: true,
  };
  node = await OneNode.start({ agent });
  ip('link', 'set', nodeNic, 'address', port.mac_address);
  for (const [name, mac] of [
    [sharedNic, second.mac_address],
    [strangerNic, '0a:00:00:00:00:77'],
  ] as const) {
    ip('link', 'add', name, 'address', mac, 'type', 'veth', 'peer', 'name', `${name}p`);
    ip('link', 'set', name, 'up');
  }
  ip('address', 'add', `${second.fixed_ips[0]?.ip_address}/24`, 'dev', sharedNic);
});
after(async () => {
  if (process.env.OW_DEBUG !== undefined) console.log(node.agent.log.slice(-6000));
  await runtime.clear();
  await node.stop();
  for (const link of [nodeNic, 'lan', sharedNic, strangerNic]) ip('link', 'delete', link);
});

const network = (hostInterface = nodeNic): Network =>
  underlay({}, { ipam: { type: 'neutron', neutronConf: { hostInterface } } });

async function addPod(name: string, nic?: string): Promise<Sandbox> {
  const sandbox = await Sandbox.ofNewPod(node, name);
  await runtime.add(network(nic), sandbox);
  return sandbox;
}

/** Adds a pod that gets no address, and gives the code of the answer and the pod's Event. */
async function refused(name: string, nic?: string): Promise<{ code: number | undefined; event: Event }> {
  const failure: unknown = await addPod(name, nic).then(
    () => assert.fail(`${name} got an address`),
    (reason: unknown) => reason,
  );
  assert.ok(failure instanceof CniFailure, String(failure));
  return { code: failure.code, event: await eventOf(name) };
}

async function eventOf(name: string): Promise<Event> {
  let found: Event | undefined;
  await until(`pod ${name} has an Event`, async () => {
    const { items } = await node.client.list(resources.events);
    found = items.find((one) => one.involvedObject?.name === name && one.reason === 'AddressMissing');
    return found !== undefined;
  });
  assert.ok(found !== undefined);
  return found;
}

/** Waits until the Node says to the scheduler how many addresses there are. */
async function untilAmount(amount: number): Promise<void> {
  const name = 'openstack.orbweaver.io/addresses';
  let said = '';
  await until(
    `the Node has ${amount} ${name}`,
    async () => {
      const { status } = await node.client.get(resources.nodes, { name: nodeName });
      said = [status?.capacity?.[name], status?.allocatable?.[name]].join();
      return said === [amount, amount].join();
    },
    60_000,
  ).catch((error: Error) => assert.fail(`${error.message}: ${said}`));
}

/** A pod that requests an address from the scheduler. */
async function addRequesting(name: string): Promise<Sandbox> {
  const limits = { 'openstack.orbweaver.io/addresses': '1' };
  const made = await node.client.create(resources.pods, {
    metadata: { name, namespace: 'default' },
    spec: { nodeName, containers: [{ name: 'c', image: 'i', resources: { limits } }] },
  } as object as Pod);
  const sandbox = new Sandbox({ name, namespace: 'default', uid: made.metadata.uid });
  await runtime.add(network(), sandbox);
  return sandbox;
}

test('a full subnet: the runtime tries again, the Event counts the tries, the next pod is to go elsewhere, and room in the subnet ends it', async () => {
  // Nothing is kept ready: one pod at a time may try.
  await untilAmount(1);
  const pods = [await addRequesting('first'), await addRequesting('second')];
  await untilAmount(3);
  const { code, event } = await refused('third');
  assert.equal(code, TRY_AGAIN);
  assert.match(
    event.message ?? '',
    /^interface eth0 gets no address: OPENSTACK_SUBNET_FULL: Neutron answered 409 .*Add allocation pools/,
  );
  assert.doesNotMatch(event.message ?? '', /req-/);
  // What the scheduler has left of them is none: both are requested.
  await untilAmount(2);
  const again = await Sandbox.ofNewPod(node, 'fourth');
  for (let i = 0; i < 2; i++) {
    await assert.rejects(runtime.add(network(), again), CniFailure);
    await runtime.del(network(), again);
  }
  await until('both tries are one Event', async () => (await eventOf('fourth')).count === 2);
  await api.neutron('PUT', `/subnets/${subnetId}`, { subnet: pool(9) });
  await runtime.add(network(), again);
  await untilAmount(3);
  for (const sandbox of [...pods, again]) {
    await runtime.del(network(), sandbox);
    sandbox.dropNamespace();
    // A pod that is placed here counts, whatever it has.
    const { name } = sandbox.pod;
    await node.client.delete(resources.pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 });
  }
});

test('a cloud that is away: the runtime tries again', async () => {
  ip('address', 'delete', `${cloudAddress}/32`, 'dev', 'lo');
  try {
    const { code, event } = await refused('away');
    assert.equal(code, TRY_AGAIN);
    assert.match(
      event.message ?? '',
      /OPENSTACK_UNREACHABLE: .*Check the network to the URL|DEADLINE_PASSED: /,
    );
    await untilAmount(0);
  } finally {
    ip('address', 'add', `${cloudAddress}/32`, 'dev', 'lo');
  }
});

test('a network of another project, and a NIC that is no port: somebody must act', async () => {
  const forbidden = await refused('forbidden', sharedNic);
  assert.notEqual(forbidden.code, TRY_AGAIN);
  assert.match(forbidden.event.message ?? '', /OPENSTACK_FORBIDDEN: Neutron answered 403 .*Use a login of/);
  const stranger = await refused('stranger', strangerNic);
  assert.notEqual(stranger.code, TRY_AGAIN);
  assert.match(stranger.event.message ?? '', /OPENSTACK_NODE_UNKNOWN: .*stranger0.*Use a login that may see/);
});
