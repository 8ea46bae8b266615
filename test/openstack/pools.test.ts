// Pools whose addresses the real Neutron reserves: the controller makes the ports, and an agent without a login gives the
// addresses to pods.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Event, resources, type SpiderIPPool } from '#api';
import { eventually as eventuallyWithin } from '../e2e/controller-fixture.ts';
import { nodeNic, OneNode, subnet } from '../e2e/one-node.ts';
import { Daemon, runProgram } from '../e2e/program.ts';
import { CniFailure, Runtime, Sandbox, underlay } from '../e2e/runtime.ts';
import { Front } from './front.ts';
import { Api, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';
import { sweepOf } from './sweep-run.ts';

const PROVIDER = 'ipam.spidernet.io/iaas-provider';
const NETWORK = 'openstack.orbweaver.io/network';
const OWNER = 'orbweaver:pool';
const root = join(import.meta.dirname, '../..');

/** Neutron takes a tenth of a second for a port, and a second on a busy machine. */
const SLOW_MS = 90_000;
const eventually = <T>(what: string, look: () => Promise<T | undefined>) =>
  eventuallyWithin(what, look, SLOW_MS);

let api: Api;
let front: Front;
let node: OneNode;
let controller: Daemon;
let networkId: string;
let subnetId: string;
const runtime = new Runtime();

before(async () => {
  api = await Api.of();
  front = await Front.start();
  ({ id: networkId } = await api.make('network', { name: 'pools' }));
  const fields = { network_id: networkId, cidr: subnet[4], ip_version: 4, gateway_ip: '10.6.0.1' };
  ({ id: subnetId } = await api.make('subnet', fields));
  node = await OneNode.start({ agent: { addressRestSeconds: 1 } });
  controller = new Daemon('controller', node.folder, [
    'env',
    ...Object.entries(front.environment()).map(([key, value]) => `${key}=${value}`),
    ...['SPIDERPOOL_LEADER_DURATION=3', 'SPIDERPOOL_LEADER_RENEW_DEADLINE=2'],
    ...['SPIDERPOOL_LEADER_RETRY_PERIOD=1', process.execPath, join(root, 'dist/controller.mjs')],
    ...['--health-port', 'none', '--webhook-port', 'none', '--commit-port', 'none'],
    ...['--kubeconfig', node.kubeconfig, '--neutron-pools', '--log-level', process.env.OW_DEBUG ?? 'info'],
  ]);
  await startController();
});
after(async () => {
  if (process.env.OW_DEBUG !== undefined) console.log(controller.log.slice(-6000));
  await runtime.clear();
  await controller.stop('SIGKILL');
  await node.stop();
  for (const link of [nodeNic, 'lan']) runProgram('ip', ['link', 'delete', link]);
  front.close();
});
afterEach(() => {
  front.fault = () => undefined;
});

async function startController(): Promise<void> {
  const reads = () => controller.log.split('the controller has read the cluster').length;
  const before = controller.pid === undefined && hasLog() ? reads() : 1;
  await controller.start(() => reads() > before);
}

function hasLog(): boolean {
  try {
    return controller.log !== '';
  } catch {
    return false;
  }
}

async function createPool(name: string, spec: Partial<SpiderIPPool['spec'] & object>, annotations = {}) {
  await node.createPool(name, 4, { ...spec, disable: true });
  const named = { [PROVIDER]: 'neutron', [NETWORK]: networkId, ...annotations };
  await patch(name, { metadata: { annotations: named }, spec: { disable: false } });
}

const patch = (name: string, body: Record<string, unknown>) =>
  node.client.patch(resources.spiderIPPools, { name }, { type: 'merge', body });

const poolNow = (name: string) => node.client.get(resources.spiderIPPools, { name });

async function portsOf(name: string): Promise<PortObject[]> {
  const { ports } = await api.neutron<{ ports: PortObject[] }>('GET', `/ports?device_owner=${OWNER}`);
  return ports.filter(({ description }) => description.includes(`pool ${name}, `));
}

const addressesOf = (ports: readonly PortObject[]): string[] =>
  ports.flatMap(({ fixed_ips }) => fixed_ips.map(({ ip_address }) => ip_address)).toSorted();

async function untilReady(name: string, ...addresses: readonly string[]): Promise<void> {
  let seen: string[] = [];
  await eventually(`${name} has ready ${addresses.join(' ')}`, async () => {
    const metadata = (await poolNow(name)).status?.ipMetaData?.metadata;
    seen = metadata === undefined ? [] : Object.keys(JSON.parse(metadata));
    return JSON.stringify(seen) === JSON.stringify(addresses) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; it has ${seen.join(' ')}`));
}

async function untilPorts(name: string, ...addresses: readonly string[]): Promise<void> {
  let seen: string[] = [];
  await eventually(`${name} has ports ${addresses.join(' ')}`, async () => {
    seen = addressesOf(await portsOf(name));
    return JSON.stringify(seen) === JSON.stringify(addresses.toSorted()) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; it has ${seen.join(' ')}`));
}

async function says(pool: string, pattern: RegExp): Promise<void> {
  const said = new Set<string>();
  await eventually(`an Event of ${pool} says ${pattern}`, async () => {
    const { items } = await node.client.list<Event>(resources.events);
    for (const { involvedObject, reason, message } of items)
      if (involvedObject.name === pool) said.add(`${reason}: ${message}`);
    return [...said].some((text) => pattern.test(text)) ? true : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; they say ${[...said].join('; ')}`));
}

async function addPod(name: string, pool: string): Promise<{ sandbox: Sandbox; address: string }> {
  const sandbox = await Sandbox.ofNewPod(node, name);
  const result = await runtime.add(underlay({ ipv4: [pool] }), sandbox);
  return { sandbox, address: result.ips?.[0]?.address.split('/')[0] ?? '' };
}

async function del(pool: string, sandbox: Sandbox): Promise<void> {
  await runtime.del(underlay({ ipv4: [pool] }), sandbox);
  sandbox.dropNamespace();
}

describe('a pool of Neutron', () => {
  test('has a port for each address, and its status says which are ready', async () => {
    await createPool('one', { ips: ['10.6.1.10-10.6.1.14'], excludeIPs: ['10.6.1.12'] });
    const all = ['10.6.1.10', '10.6.1.11', '10.6.1.13', '10.6.1.14'];
    await untilReady('one', ...all);
    assert.deepEqual(addressesOf(await portsOf('one')), all);
    const { status, metadata } = await poolNow('one');
    const { readyIPCount, unreadyIPCount, observedGeneration } = status?.ipMetaData ?? {};
    assert.deepEqual([readyIPCount, unreadyIPCount], [4, 0]);
    assert.equal(observedGeneration, metadata.generation);
  });

  test('gives its addresses to pods without a request, also while Neutron and Keystone are away', async () => {
    front.fault = () => ({ when: 'before', what: 'reset' });
    front.asked.length = 0;
    const first = await addPod('first', 'one');
    const second = await addPod('second', 'one');
    assert.deepEqual([first.address, second.address], ['10.6.1.10', '10.6.1.11']);
    assert.equal(front.count('POST') + front.count('PUT'), 0);
    const { status } = await poolNow('one');
    assert.equal(status?.allocatedIPCount, 2);
    assert.equal(status?.ipMetaData?.readyIPCount, 4);
    await del('one', second.sandbox);
    front.fault = () => undefined;
  });

  test('that shrinks gives up the ports of the addresses that leave it', async () => {
    // The pod of the test before has 10.6.1.10.
    await patch('one', { spec: { ips: ['10.6.1.10', '10.6.1.13-10.6.1.15'], excludeIPs: [] } });
    await untilReady('one', '10.6.1.10', '10.6.1.13', '10.6.1.14', '10.6.1.15');
    await untilPorts('one', '10.6.1.10', '10.6.1.13', '10.6.1.14', '10.6.1.15');
  });

  test('that asks for Neutron no more gives up its ports, but for those of pods', async () => {
    await patch('one', { metadata: { annotations: { [PROVIDER]: null } } });
    await untilPorts('one', '10.6.1.10');
    assert.equal((await poolNow('one')).status?.ipMetaData, undefined);
    await patch('one', { metadata: { annotations: { [PROVIDER]: 'neutron' } } });
    await untilReady('one', '10.6.1.10', '10.6.1.13', '10.6.1.14', '10.6.1.15');
  });
});

describe('an address that Neutron does not reserve', () => {
  test('because another port has it, is given to no pod, and an Event of the pool has the words of Neutron', async () => {
    const fixed_ips = [{ subnet_id: subnetId, ip_address: '10.6.2.10' }];
    const foreign = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
    await createPool('two', { ips: ['10.6.2.10-10.6.2.12'] });
    await untilReady('two', '10.6.2.11', '10.6.2.12');
    await says('two', /^AddressesUnready: Neutron does not reserve 10\.6\.2\.10: .*already allocated/);
    const { address } = await addPod('third', 'two');
    assert.equal(address, '10.6.2.11');
    await api.neutron('DELETE', `/ports/${foreign.id}`);
    await patch('two', { spec: { ips: ['10.6.2.10-10.6.2.13'] } });
    await untilReady('two', '10.6.2.10', '10.6.2.11', '10.6.2.12', '10.6.2.13');
  });

  test('because the quota of ports is reached, is given to no pod', async () => {
    const administrator = await Api.of(admin);
    const used = (await api.neutron<{ ports: PortObject[] }>('GET', '/ports')).ports.length;
    const quota = (port: number) =>
      administrator.neutron('PUT', `/quotas/${api.projectId}`, { quota: { port } });
    await quota(used + 2);
    try {
      await createPool('full', { ips: ['10.6.3.10-10.6.3.15'] });
      await untilReady('full', '10.6.3.10', '10.6.3.11');
      await says(
        'full',
        /^AddressesUnready: Neutron does not reserve 10\.6\.3\.12 \(4 addresses in all\): .*[Qq]uota/,
      );
      await addPod('fourth', 'full');
      await addPod('fifth', 'full');
      const refused = await addPod('sixth', 'full').catch((error: unknown) => error);
      assert.ok(refused instanceof CniFailure);
      assert.match(refused.message, /provider neutron has not made ready 10\.6\.3\.12-10\.6\.3\.15/);
    } finally {
      await quota(-1);
    }
  });

  test('because the pool names no network, or one without its subnet, is told', async () => {
    await createPool('nowhere', { ips: ['10.6.4.10'] }, { [NETWORK]: null });
    await says('nowhere', /the annotation openstack\.orbweaver\.io\/network is missing/);
    await patch('nowhere', { metadata: { annotations: { [NETWORK]: 'a b' } } });
    await says('nowhere', /"a b" is not the id of a network/);
    const { id } = await api.make('network', { name: 'other' });
    await patch('nowhere', { metadata: { annotations: { [NETWORK]: id } } });
    await says('nowhere', new RegExp(`network ${id} has no subnet 10\\.6\\.0\\.0/16`));
  });

  test('because a pool is too large, is told, and Neutron is not asked', async () => {
    front.asked.length = 0;
    await createPool('large', { ips: ['10.6.32.0-10.6.64.0'] });
    await says('large', /it has 8193 addresses: Neutron reserves at most 4096/);
    assert.equal(front.count('POST'), 0);
  });
});

describe('the controller', () => {
  test('that is killed while it makes ports, or loses the answer, makes each port once', async () => {
    let answers = 0;
    front.fault = ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/ports')) return undefined;
      answers += 1;
      return { when: 'after', what: answers === 1 ? 'reset' : 'hang' };
    };
    await createPool('killed', { ips: ['10.6.5.1-10.6.5.22'] });
    await eventually('two requests were sent', async () => (answers >= 2 ? true : undefined));
    await controller.stop('SIGKILL');
    front.fault = () => undefined;
    await startController();
    const all = Array.from({ length: 22 }, (_, i) => `10.6.5.${i + 1}`);
    await untilReady('killed', ...all);
    assert.deepEqual(addressesOf(await portsOf('killed')), all.toSorted());
  });

  test('makes a port again that somebody has deleted, and leaves ports of others alone', async () => {
    const other = {
      network_id: networkId,
      device_owner: OWNER,
      device_id: 'orbweaver-pool-of-another-cluster',
    };
    const description = 'orbweaver: pool one, cluster another';
    const foreign = await api.make<PortObject>('port', { ...other, description });
    const [deleted = assert.fail()] = await portsOf('killed');
    await controller.stop('SIGKILL');
    await api.neutron('DELETE', `/ports/${deleted.id}`);
    await startController();
    const all = Array.from({ length: 22 }, (_, i) => `10.6.5.${i + 1}`);
    await untilPorts('killed', ...all);
    await api.neutron('GET', `/ports/${foreign.id}`);
  });

  test('deletes the ports of a pool that was deleted while it was away', async () => {
    await controller.stop('SIGKILL');
    await patch('killed', { metadata: { finalizers: null } });
    await node.client.delete(resources.spiderIPPools, { name: 'killed' });
    await startController();
    await untilPorts('killed');
  });

  test('that is uninstalled leaves its ports to the sweep, which keeps those of living pods', async () => {
    await controller.stop('SIGKILL');
    const pods = await node.client.list(resources.pods);
    const pod = pods.items.find(({ metadata }) => metadata.name === 'third') ?? assert.fail();
    const status = { phase: 'Running' as const, podIP: '10.6.2.11', podIPs: [{ ip: '10.6.2.11' }] };
    await node.client.updateStatus(resources.pods, { ...pod, status });
    const { said } = await sweepOf(node, '--apply');
    assert.match(said, /removed: port .* 10\.6\.2\.12/);
    assert.match(said, /port \S+ stays: pod \S+ has its address 10\.6\.2\.11/);
    assert.deepEqual(addressesOf(await portsOf('two')), ['10.6.2.11']);
  });
});
