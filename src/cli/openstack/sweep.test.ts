// What `orbctl openstack sweep` removes, and what it leaves.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { resources } from '#api';
import { OrbError } from '#base';
import { FakeClock } from '#base/testing';
import { AskedCluster } from '../cluster-fixture.ts';
import { runOpenStackSweep, type SweepParts } from './sweep.ts';

const namespace = 'kube-system';
const route = (third: number) => ({ destination: `10.${third}.0.0/24`, nexthop: '10.0.0.5' });

let kube: AskedCluster;
let said: string[];
/** What was asked of Neutron beside looks. */
let done: string[];
/** Routers and floating IPs that Neutron shows. */
let shown: Set<string>;
/** A router whose change Neutron refuses. */
let refused: string;
/** Ports of our own. */
let reserved: object[];
/** Called before each look at them. */
let onLook: (look: number) => Promise<void>;
let looks: number;

beforeEach(async () => {
  kube = new AskedCluster();
  said = [];
  done = [];
  shown = new Set(['r1', 'r2', 'f1', 'f2']);
  refused = '';
  reserved = [];
  looks = 0;
  onLook = async () => {};
  await ledger('orbweaver-router-routes', { r1: [route(1), route(2)], r2: [route(3)] });
  await ledger('orbweaver-floating-ips', {
    'uid-a': { pod: 'ns/a', isMade: false, floatingIpId: 'f1', portId: 'p1', address: '10.0.0.7' },
    'uid-b': { pod: 'ns/b', isMade: true, floatingIpId: 'f2', portId: 'p1', address: '10.0.0.8' },
  });
  await kube.put(resources.nodes, {
    metadata: { name: 'n1' },
    spec: { providerID: 'openstack:///6f9ad2f6-0f11-4c1e-9d3a-2f4c5b6a7d8e' },
    status: { addresses: [{ type: 'InternalIP', address: '10.0.0.5' }] },
  });
});

async function ledger(name: string, entries: Readonly<Record<string, unknown>>): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, JSON.stringify(value)]),
  );
  await kube.put(resources.configMaps, { metadata: { name, namespace }, data });
}

async function left(): Promise<string[]> {
  const { items } = await kube.list(resources.configMaps);
  return items.flatMap(({ data }) => Object.keys(data ?? {})).sort();
}

const sight = <T>(id: string, value: T) =>
  shown.has(id) ? ({ is: 'there', value } as const) : ({ is: 'absent' } as const);

const neutron = {
  router: async (id: string) => sight(id, { id, routes: [] }),
  removeRoutes: async (id: string, routes: readonly object[]) => {
    if (id === refused) throw new OrbError('OPENSTACK_UNREACHABLE', { message: `router ${id} is slow` });
    done.push(`${routes.length} routes of ${id}`);
  },
  floatingIp: async (id: string) =>
    sight(id, { id, port_id: 'p1', fixed_ip_address: id === 'f1' ? '10.0.0.7' : '10.0.0.8' }),
  disassociate: async (id: string) => void done.push(`disassociated ${id}`),
  deleteFloatingIp: async (id: string) => void done.push(`deleted ${id}`),
  floatingIps: async () => [],
  deletePort: async (id: string) => void done.push(`deleted ${id}`),
  port: async (id: string) =>
    sight(id, { id, allowed_address_pairs: [{ ip_address: '10.0.0.23', mac_address: 'm' }] }),
  ports: async (filter: { readonly device_id?: string }) => {
    if (filter.device_id === undefined) {
      await onLook(++looks);
      return reserved;
    }
    const fixed_ips = ['10.0.0.5', '10.0.0.9'].map((ip_address) => ({ subnet_id: 's', ip_address }));
    return [{ id: 'p1', description: 'mine [orbweaver 0123abcd-4]', revision_number: 1, fixed_ips }];
  },
} as unknown as SweepParts['cloud']['neutron'];

async function sweep(flags: { apply?: boolean; forget?: boolean } = {}): Promise<number> {
  const clock = new FakeClock();
  const parts = { client: kube, cloud: { neutron }, clock, say: (line: string) => void said.push(line) };
  const run = runOpenStackSweep(parts, { namespace, apply: false, forget: false, ...flags });
  let isOver = false;
  run.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
  }
  return run;
}

test('without --apply it lists what there is, and changes nothing', async () => {
  assert.equal(await sweep(), 1);
  assert.deepEqual(said, [
    'would be removed: 2 routes of router r1: 10.1.0.0/24 via 10.0.0.5, 10.2.0.0/24 via 10.0.0.5',
    'would be removed: 1 route of router r2: 10.3.0.0/24 via 10.0.0.5',
    'would be removed: the way of floating IP f1 to 10.0.0.7 of pod ns/a',
    'would be removed: floating IP f2, which was made for pod ns/b',
    "port p1 of node n1 has 10.0.0.9 beside the node's own, and the mark of an agent. If nothing uses them: openstack port unset --fixed-ip ip-address=10.0.0.9 p1",
  ]);
  assert.deepEqual(done, []);
  assert.equal((await left()).length, 4);
});

test('with --apply it removes all of it, and the ledgers are empty', async () => {
  await sweep({ apply: true });
  assert.deepEqual(done, ['2 routes of r1', '1 routes of r2', 'disassociated f1', 'deleted f2']);
  assert.deepEqual(await left(), []);
  said = [];
  assert.equal(await sweep({ apply: true }), 1, 'the port is told as long as it has something');
  assert.equal(said.length, 1);
});

test('one that fails stops no other, and stays in the ledger', async () => {
  refused = 'r1';
  assert.equal(await sweep({ apply: true }), 1);
  assert.deepEqual(done, ['1 routes of r2', 'disassociated f1', 'deleted f2']);
  assert.deepEqual(await left(), ['r1']);
  assert.match(said[0] ?? '', /^not removed: 2 routes of router r1: .*: router r1 is slow$/);
  assert.match(said.at(-1) ?? '', /^1 thing could not be removed/);
});

test('what Neutron does not show to the login is kept, until the user says that it is gone', async () => {
  shown = new Set(['r1', 'f1']);
  assert.equal(await sweep({ apply: true }), 1);
  assert.deepEqual(await left(), ['r2', 'uid-b']);
  assert.match(said.join('\n'), /not removed: .*Neutron does not show router r2 to this login.*--forget/);
  await sweep({ apply: true, forget: true });
  assert.deepEqual(await left(), []);
  assert.deepEqual(done, ['2 routes of r1', 'disassociated f1']);
});

test('while the controller or the agents run, nothing is removed', async () => {
  const metadata = { name: 'orbweaver-controller', namespace };
  await kube.put(resources.deployments, { metadata, spec: { selector: {}, template: {} } });
  assert.equal(await sweep({ apply: true }), 1);
  assert.match(said.join('\n'), /^nothing was removed: Deployment kube-system\/orbweaver-controller runs/);
  assert.deepEqual(done, []);
});

test('an entry that somebody edited stops no other', async () => {
  const ref = { namespace, name: 'orbweaver-router-routes' };
  const { data, ...found } = await kube.get(resources.configMaps, ref);
  await kube.update(resources.configMaps, { ...found, data: { ...data, r2: 'none' } });
  assert.equal(await sweep({ apply: true }), 1);
  assert.deepEqual(await left(), ['r2']);
  assert.match(said.join('\n'), /not removed: key r2 of ConfigMap orbweaver-router-routes: /);
});

describe('ports of our own', () => {
  const own = (id: string, address: string, cluster = 'uid-of-cluster', node = 'gone', name = 'ports-n') => ({
    ...{ id, fixed_ips: [{ subnet_id: 's', ip_address: address }] },
    ...{ device_owner: 'orbweaver:pod', device_id: 'orbweaver-0123abcd' },
    description: `orbweaver: ledger ${name} of node ${node}, cluster ${cluster}`,
  });
  const pod = async (name: string, ip: string, labels = {}) =>
    kube.put(resources.pods, {
      metadata: { name, namespace: 'ns', labels },
      spec: { nodeName: 'n1', containers: [] },
      status: { phase: 'Running', podIPs: [{ ip }] },
    });

  beforeEach(async () => {
    kube = new AskedCluster();
    await kube.put(resources.namespaces, { metadata: { name: 'kube-system', uid: 'uid-of-cluster' } });
    reserved = [own('o1', '10.0.0.21'), own('o2', '10.0.0.22'), own('o3', '10.0.0.24', 'another')];
  });

  test('that nobody has are removed; those of pods and of another cluster stay', async () => {
    await pod('web', '10.0.0.22');
    assert.equal(await sweep(), 1);
    assert.deepEqual(said, [
      'would be removed: port o1, which reserved 10.0.0.21 for a pod',
      'port o2 stays: pod ns/web has its address 10.0.0.22',
    ]);
    assert.deepEqual(done, []);
    await sweep({ apply: true });
    assert.deepEqual(done, ['deleted o1']);
  });

  test('that a pod has at the second look stay', async () => {
    onLook = async (look) => {
      if (look === 2) await pod('late', '10.0.0.21');
    };
    assert.equal(await sweep({ apply: true }), 1);
    assert.deepEqual(done, ['deleted o2']);
    assert.match(said.join('\n'), /not removed: port o1, .* has an owner, at the second look/);
  });

  test('of nodes with an agent, in whichever namespace it runs, are left to it', async () => {
    reserved = [own('o1', '10.0.0.21', 'uid-of-cluster', 'n1')];
    await pod('agent', '192.0.2.1', { 'app.kubernetes.io/name': 'orbweaver-agent' });
    assert.equal(await sweep({ apply: true }), 1);
    assert.deepEqual(done, []);
    assert.match(said.join(), /^node n1 has 1 port for pods: its agent deletes them/);
  });

  test('of nodes of a DaemonSet in another namespace are left to its agents, which may be starting', async () => {
    reserved = [own('o1', '10.0.0.21', 'uid-of-cluster', 'n1')];
    await kube.put(resources.nodes, { metadata: { name: 'n1' } });
    const metadata = { name: 'orbweaver-agent', namespace: 'elsewhere' };
    await kube.put(resources.daemonSets, { metadata, spec: { selector: {}, template: {} } });
    assert.equal(await sweep({ apply: true }), 1);
    assert.deepEqual(done, []);
    assert.match(said.join(), /^node n1 has 1 port for pods/);
  });

  test('of no node of the cluster are named while it runs', async () => {
    const metadata = { name: 'orbweaver-controller', namespace };
    await kube.put(resources.deployments, { metadata, spec: { selector: {}, template: {} } });
    assert.equal(await sweep(), 1);
    assert.match(said[0] ?? '', /^port o1, .* is of no node of the cluster.*: openstack port delete o1$/);
  });

  test('stay as long as the VM may send from the address', async () => {
    shown.add('vm');
    reserved = [own('o1', '10.0.0.23', 'uid-of-cluster', 'gone', 'pairs-vm')];
    assert.equal(await sweep({ apply: true }), 1);
    assert.deepEqual(done, []);
    assert.match(said.join(), /port o1 stays: .*--allowed-address ip-address=10.0.0.23,mac-address=m vm$/);
  });

  test('that a VM has as its NIC stay, with the command that takes it away', async () => {
    const nic = own('o1', '10.0.0.21', 'uid-of-cluster', 'gone', 'nics-vm');
    const detached = { ...own('o2', '10.0.0.22'), device_owner: '', device_id: '' };
    reserved = [{ ...nic, device_owner: 'compute:nova', device_id: 'vm' }, detached];
    assert.equal(await sweep({ apply: true }), 1);
    assert.deepEqual(done, ['deleted o2']);
    assert.match(
      said.join('\n'),
      /port o1 stays: it is a NIC of server vm\. .*: openstack server remove port vm o1$/m,
    );
  });
});
