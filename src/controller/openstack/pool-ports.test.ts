// Which ports the controller makes and deletes, and when it asks Neutron again. The real Neutron is in test/openstack.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources, type SpiderIPPool } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import type { CloudClient } from '#openstack';
import { TestCluster } from '#reconcile/testing';
import { addressKinds } from '../kinds.ts';
import { poolPortsController } from './pool-ports.ts';

type Order = Parameters<CloudClient['neutron']['createPort']>[0];
interface FakePort extends Order {
  readonly id: string;
}

/** What Neutron has, and the addresses that others have there. */
let ports: FakePort[];
let foreign: Set<string>;
/** Ports that Neutron does not delete. */
let stuck: Set<string>;
let isForbidden: boolean;
let onDeletion: () => void;
let asked: string[];
let clock: FakeClock;

beforeEach(() => {
  ports = [];
  foreign = new Set();
  stuck = new Set();
  isForbidden = false;
  onDeletion = () => {};
  asked = [];
  // Time between two looks does not matter here.
  clock = Object.assign(new FakeClock(), { sleep: async () => {} });
});

const addressOf = ({ fixed_ips = [] }: Order) => fixed_ips.map(({ ip_address = '' }) => ip_address).join();
const addresses = () => ports.map(addressOf).toSorted();

const neutron = {
  subnets: async (network: string) => [{ id: `s-${network}`, network_id: network, cidr: '10.6.0.0/16' }],
  ports: async (filter: object) => {
    asked.push('ports');
    return ports.filter((port) =>
      Object.entries(filter).every(([key, value]) => port[key as keyof FakePort] === value),
    );
  },
  createPort: async (order: Order) => {
    asked.push('make');
    if (isForbidden) throw new OrbError('OPENSTACK_FORBIDDEN', { message: 'disallowed by policy' });
    if (foreign.has(addressOf(order)))
      throw new OrbError('OPENSTACK_CONFLICT', { message: 'already allocated' });
    const made = { ...order, id: `${order.network_id} ${addressOf(order)}` };
    ports.push(made);
    return made;
  },
  deletePort: async (id: string) => {
    asked.push('delete');
    onDeletion();
    if (stuck.has(id)) throw new OrbError('OPENSTACK_CONFLICT', { message: 'the port is in use' });
    ports = ports.filter((port) => port.id !== id);
  },
} as unknown as CloudClient['neutron'];

async function scene() {
  const kube = new FakeKube();
  await kube.create(resources.namespaces, { metadata: { name: 'kube-system', uid: 'cluster' } });
  const cluster = new TestCluster(addressKinds);
  const controller = poolPortsController({ client: kube, clock, log: silentLogger, neutron });
  const waiting = new Set<string>();
  controller.outside?.((key) => waiting.add(key), cluster.state);
  const messages: string[] = [];
  const put = (
    ips: readonly string[],
    { generation = 1, held = '', provider = 'neutron', network = 'n' } = {},
  ): void => {
    const before = cluster.state.pools.get('p');
    const records = held === '' ? {} : { [held]: { pod: 'ns/a', podUid: 'a', nic: 'eth0' } };
    const pool: SpiderIPPool = resources.spiderIPPools.schema.parse({
      metadata: {
        ...{ name: 'p', uid: 'p', generation },
        annotations: {
          'ipam.spidernet.io/iaas-provider': provider,
          'openstack.orbweaver.io/network': network,
        },
      },
      spec: { subnet: '10.6.0.0/16', ips },
      status: { ...before?.status, allocatedIPs: JSON.stringify(records) },
    });
    // Pools have no namespace.
    cluster.put('pools', { ...pool, metadata: { ...pool.metadata, namespace: undefined } } as SpiderIPPool);
  };
  /** Plans all that is concerned, until nothing changes. */
  const plan = async (): Promise<void> => {
    await copyTo(kube, cluster.state.pools.get('p'));
    for (const pool of cluster.state.pools.list())
      for (const key of controller.concerns('pools', pool, cluster.state)) waiting.add(key);
    const later: string[] = [];
    for (const key of waiting) {
      waiting.delete(key);
      const planned = await controller.plan(key, cluster.state, '', new AbortController().signal);
      const actions = 'actions' in planned ? planned.actions : planned;
      if ('actions' in planned && planned.againAfterMs !== undefined) later.push(key);
      cluster.perform(actions);
      await copyTo(kube, cluster.state.pools.get('p'));
      for (const action of actions) if (action.verb === 'event') messages.push(action.note.message);
    }
    for (const key of later) waiting.add(key);
  };
  const ready = () => {
    const text = cluster.state.pools.get('p')?.status?.ipMetaData?.metadata;
    return text === undefined ? undefined : Object.keys(JSON.parse(text));
  };
  return { kube, cluster, put, plan, ready, messages };
}

/** The server has what the state has. */
async function copyTo(kube: FakeKube, pool: SpiderIPPool | undefined): Promise<void> {
  await kube.delete(resources.spiderIPPools, { name: 'p' }).catch(() => {}); // the first time there is none
  if (pool !== undefined) await kube.create(resources.spiderIPPools, pool);
}

test('an address of another port is tried again when the pool changes, and after five minutes', async () => {
  const { put, plan, ready, messages } = await scene();
  foreign.add('10.6.0.10');
  put(['10.6.0.10-10.6.0.12']);
  await plan();
  assert.deepEqual(ready(), ['10.6.0.11', '10.6.0.12']);
  assert.match(messages.join(), /Neutron does not reserve 10\.6\.0\.10: already allocated/);
  await plan();
  asked.length = 0;
  await plan();
  assert.deepEqual(asked, []);
  foreign.clear();
  put(['10.6.0.10-10.6.0.13'], { generation: 2 });
  await plan();
  assert.deepEqual(ready(), ['10.6.0.10', '10.6.0.11', '10.6.0.12', '10.6.0.13']);
});

test('an address leaves the status before its port is deleted, and a held one keeps its port', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.12']);
  await plan();
  put(['10.6.0.10'], { generation: 2, held: '10.6.0.12' });
  await plan();
  assert.deepEqual(ready(), ['10.6.0.10']);
  assert.deepEqual(addresses(), ['10.6.0.10', '10.6.0.11', '10.6.0.12']);
  await plan();
  assert.deepEqual(addresses(), ['10.6.0.10', '10.6.0.12']);
});

test('a pool that asks for another provider gives up its ports, but for those of pods', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.12'], { held: '10.6.0.12' });
  await plan();
  put(['10.6.0.10-10.6.0.12'], { held: '10.6.0.12', provider: '' });
  await plan();
  assert.equal(ready(), undefined);
  assert.equal(addresses().length, 3);
  await plan();
  assert.deepEqual(addresses(), ['10.6.0.12']);
});

test('a pool that gets another provider tells of no address that lost its port', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.11'], { held: '10.6.0.11' });
  await plan();
  put(['10.6.0.10-10.6.0.11'], { held: '10.6.0.11', provider: 'somecloud' });
  await plan();
  assert.equal(ready(), undefined);
  assert.equal(addresses().length, 2);
  await plan();
  assert.deepEqual(addresses(), ['10.6.0.11']);
});

test('the status of another provider stays', async () => {
  const { cluster, put, plan, ready } = await scene();
  put(['10.6.0.10']);
  await plan();
  put(['10.6.0.10'], { provider: 'somecloud' });
  const pool = cluster.state.pools.get('p') ?? assert.fail();
  const ipMetaData = { metadata: JSON.stringify({ '10.6.0.10': { vlan: 5 } }) };
  cluster.put('pools', { ...pool, status: { ...pool.status, ipMetaData } });
  await plan();
  await plan();
  assert.deepEqual(ready(), ['10.6.0.10']);
  assert.deepEqual(addresses(), []);
});

test('ports of another network make nothing ready, and go once the status does not need them', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.12'], { held: '10.6.0.12' });
  await plan();
  foreign.add('10.6.0.11');
  put(['10.6.0.10-10.6.0.12'], { held: '10.6.0.12', network: 'other' });
  await plan();
  assert.deepEqual(ready(), ['10.6.0.10', '10.6.0.12']);
  assert.ok(ports.some(({ id }) => id === 'n 10.6.0.11'));
  await plan();
  const all = ports.map(({ id }) => id).toSorted();
  assert.deepEqual(all, ['n 10.6.0.12', 'other 10.6.0.10', 'other 10.6.0.12']);
});

test('a port that cannot be deleted stops neither other deletions nor new ports', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.12']);
  await plan();
  stuck.add('n 10.6.0.11');
  put(['10.6.0.10', '10.6.0.20'], { generation: 2 });
  await plan();
  await plan();
  assert.deepEqual(ready(), ['10.6.0.10', '10.6.0.20']);
  assert.deepEqual(addresses(), ['10.6.0.10', '10.6.0.11', '10.6.0.20']);
  put(['10.6.0.10', '10.6.0.20'], { generation: 2, provider: '' });
  await plan();
  await plan();
  assert.deepEqual(addresses(), ['10.6.0.11']);
});

test('what Neutron forbids is told, and the rest of the pool is not tried', async () => {
  const { put, plan, messages } = await scene();
  isForbidden = true;
  put(['10.6.0.10-10.6.0.80']);
  await plan();
  assert.match(
    messages.join(),
    /does not reserve 10\.6\.0\.10 \(71 addresses in all\): disallowed by policy/,
  );
  assert.deepEqual(
    asked.filter((one) => one !== 'ports'),
    ['make'],
  );
});

test('held addresses of one pool are looked at again, also where as many ports of others were deleted', async () => {
  const { put, plan } = await scene();
  put(['10.6.0.10'], { held: '10.6.0.10' });
  await plan();
  put(['10.6.0.10'], { held: '10.6.0.10', provider: '' });
  await plan();
  const [own = assert.fail()] = ports;
  ports.push({ ...own, id: 'of a pool that is gone', device_id: 'orbweaver-pool-gone' });
  await plan();
  assert.deepEqual(addresses(), ['10.6.0.10']);
  put(['10.6.0.10'], { provider: '' });
  await plan();
  assert.deepEqual(addresses(), []);
});

test('a pool that cannot be read keeps its ports, and those of others are deleted', async () => {
  const { cluster, put, plan } = await scene();
  put(['10.6.0.10']);
  await plan();
  const [own = assert.fail()] = ports;
  ports.push({ ...own, id: 'of a pool that is gone', device_id: 'orbweaver-pool-gone' });
  put(['10.6.0.10'], { provider: '' });
  const pool = cluster.state.pools.get('p') ?? assert.fail();
  cluster.put('pools', { ...pool, status: { allocatedIPs: '{' } });
  await plan();
  assert.deepEqual(
    ports.map(({ id }) => id),
    ['n 10.6.0.10'],
  );
});

test('a pool that asks for Neutron again keeps the ports that are not deleted yet', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.1-10.6.0.40']);
  await plan();
  put(['10.6.0.1-10.6.0.40'], { provider: '' });
  await plan();
  asked.length = 0;
  onDeletion = () => put(['10.6.0.1-10.6.0.40'], { generation: 1 });
  await plan();
  assert.equal(asked.filter((one) => one === 'delete').length, 8);
  assert.equal(ready()?.length, 40);
  assert.equal(addresses().length, 40);
});

test('a pool that is not Neutron’s any more costs no request when its pods change', async () => {
  const { put, plan } = await scene();
  put(['10.6.0.10-10.6.0.12']);
  await plan();
  for (let i = 0; i < 3; i++) {
    put(['10.6.0.10-10.6.0.12'], { provider: '' });
    await plan();
  }
  asked.length = 0;
  put(['10.6.0.10-10.6.0.12'], { provider: '', held: '10.6.0.10' });
  await plan();
  assert.deepEqual(asked, []);
});

test('a refusal is told no more once a port of ours has the address', async () => {
  const { put, plan, messages } = await scene();
  foreign.add('10.6.0.10');
  put(['10.6.0.10-10.6.0.11']);
  await plan();
  // The controller before this one had asked for it too, and was answered later.
  const [own = assert.fail()] = ports;
  ports.push({ ...own, id: 'late', fixed_ips: [{ subnet_id: 's-n', ip_address: '10.6.0.10' }] });
  messages.length = 0;
  await plan();
  await clock.advance(60_000);
  await plan();
  assert.deepEqual(messages, []);
});

test('a port that one look does not show is looked for again, and made again if it is gone', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.10-10.6.0.11']);
  await plan();
  ports = ports.filter((port) => addressOf(port) !== '10.6.0.11');
  put(['10.6.0.10-10.6.0.11'], { generation: 2 });
  asked.length = 0;
  await plan();
  assert.deepEqual(asked, ['ports', 'ports', 'make']);
  assert.deepEqual(ready(), ['10.6.0.10', '10.6.0.11']);
});

test('each port has a request of its own, and the status tells of 200 before the next ones', async () => {
  const { put, plan, ready } = await scene();
  put(['10.6.0.1-10.6.1.44']);
  await plan();
  assert.equal(ready()?.length, 200);
  assert.ok(
    asked.every((one) => one === 'ports' || one === 'make'),
    asked.join(),
  );
  await plan();
  assert.equal(ready()?.length, 300);
});

test('a pool of too many addresses is told, and gets nothing', async () => {
  const { put, plan, messages } = await scene();
  put(['10.6.0.1-10.6.16.1']);
  await plan();
  assert.match(messages.join(), /it has 4097 addresses: Neutron reserves at most 4096 of a pool/);
  assert.deepEqual(addresses(), []);
});
