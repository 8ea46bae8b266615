import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool } from '#api';
import { planApplicationPools, SubnetLedger } from './index.ts';
import { application, Cluster, controlled, fromSubnet, subnetObject } from './subnet-fixture.ts';

const app = application('app');
const POOL = 'auto-app-v4-eth0-b1a361c7e9df';
const two = fromSubnet('s', { 'ipam.spidernet.io/ippool-ip-number': '2' });

function byHand(name: string, ips: string[], subnet = '10.6.0.0/16'): SpiderIPPool {
  return resources.spiderIPPools.schema.parse({
    metadata: { name, uid: name },
    spec: { ipVersion: 4, subnet, ips },
  });
}
const counts = (cluster: Cluster) => {
  const { allocatedIPCount, totalIPCount } = cluster.subnets.get('s')?.status ?? {};
  return [allocatedIPCount, totalIPCount];
};
const small = () => new Cluster([subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'] })]);

test('a subnet counts its addresses before any pool exists', () => {
  const cluster = small();
  cluster.repair();
  assert.deepEqual([counts(cluster), controlled(cluster, 's')], [[0, 10], null]);
});

test('a pool that a user wrote is recorded with its addresses in the subnet, and follows its spec', () => {
  const cluster = small();
  cluster.pools.set('mine', byHand('mine', ['10.6.0.15-10.6.0.25']));
  cluster.pools.set('far', byHand('far', ['10.9.0.1'], '10.9.0.0/16'));
  cluster.repair();
  assert.deepEqual(controlled(cluster, 's'), { mine: { ips: ['10.6.0.15-10.6.0.19'] } });
  cluster.pools.set('mine', byHand('mine', ['10.6.0.15']));
  cluster.repair();
  assert.deepEqual([controlled(cluster, 's'), counts(cluster)], [{ mine: { ips: ['10.6.0.15'] } }, [1, 10]]);
  cluster.pools.delete('mine');
  cluster.repair();
  assert.deepEqual([controlled(cluster, 's'), counts(cluster)], [null, [0, 10]]);
});

test('an automatic pool takes no address of a pool that a user wrote, whether it is recorded or not', () => {
  const cluster = small();
  cluster.pools.set('mine', byHand('mine', ['10.6.0.10-10.6.0.12']));
  cluster.settle(() => cluster.facts(app, two, 0));
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.13-10.6.0.14']);
});

test('an address that a user gives to a pool of their own leaves the automatic pool, if no pod holds it', () => {
  const cluster = small();
  cluster.settle(() => cluster.facts(app, two, 0));
  cluster.allocate(POOL, 'a');
  cluster.pools.set('mine', byHand('mine', ['10.6.0.10-10.6.0.11']));
  cluster.repair();
  cluster.settle(() => cluster.facts(app, two, 0));
  cluster.repair();
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10', '10.6.0.12']);
  assert.deepEqual((controlled(cluster, 's') as { mine: object }).mine, { ips: ['10.6.0.11'] });
});

test('records of pools that are gone are removed, also those that Spiderpool left', () => {
  const cluster = small();
  const subnet = cluster.subnets.get('s');
  assert.ok(subnet);
  const controlledIPPools = JSON.stringify({
    dirty: { ips: ['10.6.0.10-10.6.0.15'], application: 'apps_v1_Deployment_ns_gone' },
    rubbish: { ips: ['10.6.0.16'], application: 'rubbish' },
  });
  cluster.subnets.set('s', { ...subnet, status: { controlledIPPools, allocatedIPCount: 7 } });
  cluster.repair();
  assert.deepEqual([controlled(cluster, 's'), counts(cluster)], [null, [0, 10]]);
});

test('a pool that cannot be read any more keeps its addresses from other applications', () => {
  const cluster = small();
  cluster.settle(() => cluster.facts(app, two, 0));
  cluster.allocate(POOL, 'a');
  const pool = cluster.pools.get(POOL);
  assert.ok(pool);
  // As a list of the API server shows it: without spec and status.
  const { spec: _, status: __, ...unread } = pool;
  cluster.pools.set(POOL, unread);
  cluster.repair();
  cluster.settle(() => cluster.facts(application('other', { uid: '0-2' }), two, 0));
  assert.deepEqual(counts(cluster), [4, 10]);
  assert.deepEqual(cluster.ipsOf('auto-other-v4-eth0-2'), ['10.6.0.12-10.6.0.13']);
  cluster.pools.set(POOL, pool);
  cluster.repair();
  cluster.check();
});

test('a cluster that Spiderpool left goes on: its pool keeps its name, its addresses and its size', () => {
  const cluster = small();
  cluster.settle(() => cluster.facts(app, two, 0));
  const old = 'auto4-app-eth0-b1a36';
  const made = cluster.pools.get(POOL);
  const subnet = cluster.subnets.get('s');
  assert.ok(made && subnet);
  cluster.pools.clear();
  const annotations = { 'ipam.spidernet.io/ippool-ip-number': '2' };
  cluster.pools.set(old, { ...made, metadata: { ...made.metadata, name: old, annotations } });
  const record = { ips: ['10.6.0.10-10.6.0.11'], application: 'apps_v1_Deployment_default_app' };
  const controlledIPPools = JSON.stringify({ [old]: record });
  cluster.subnets.set('s', { ...subnet, status: { controlledIPPools } });
  cluster.repair();
  cluster.settle(() => cluster.facts(app, two, 0));
  cluster.check();
  assert.deepEqual([[...cluster.pools.keys()], cluster.ipsOf(old)], [[old], record.ips]);
  assert.deepEqual(controlled(cluster, 's'), { [old]: record });
});

test('what a pool gave back is free, also when its application no longer asks for the pool', () => {
  const cluster = small();
  const four = fromSubnet('s', { 'ipam.spidernet.io/ippool-ip-number': '4' });
  cluster.settle(() => cluster.facts(app, four, 0));
  cluster.allocate(POOL, 'a');
  // The controller dies after the pool gave two addresses back, and before the subnet has that.
  for (;;) {
    const { ledgers, writes } = planApplicationPools(cluster.facts(app, two, 0));
    for (const ledger of ledgers.values()) cluster.storeLedger(ledger);
    for (const write of writes) cluster.write(write);
    if (cluster.ipsOf(POOL).join() === '10.6.0.10-10.6.0.11') break;
  }
  assert.deepEqual(counts(cluster), [4, 10]);
  const elsewhere = fromSubnet('other');
  cluster.settle(() => cluster.facts(app, elsewhere, 0));
  cluster.repair();
  assert.deepEqual([cluster.ipsOf(POOL), counts(cluster)], [['10.6.0.10-10.6.0.11'], [2, 10]]);
  cluster.check();
});

test('a subnet whose status was emptied learns from its pools what they have', () => {
  const cluster = small();
  cluster.settle(() => cluster.facts(app, two, 0));
  const subnet = cluster.subnets.get('s');
  assert.ok(subnet);
  const { status: _, ...emptied } = subnet;
  cluster.subnets.set('s', emptied);
  cluster.repair();
  cluster.settle(() => cluster.facts(application('other', { uid: '0-2' }), two, 0));
  cluster.settle(() => cluster.facts(app, two, 0));
  cluster.check();
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.11']);
  assert.deepEqual(cluster.ipsOf('auto-other-v4-eth0-2'), ['10.6.0.12-10.6.0.13']);
});

test('a status that cannot be read is told, and nothing is made of it', () => {
  const subnet = subnetObject('s');
  for (const controlledIPPools of ['{', '{"p":{"ips":["10.6.0.300"]}}', '[]', '{"p":{"ips":["fd00::1"]}}']) {
    assert.throws(() => SubnetLedger.read({ ...subnet, status: { controlledIPPools } }), {
      code: 'SUBNET_INVALID',
    });
  }
  assert.throws(() => SubnetLedger.read({ metadata: { name: 's' } }), { code: 'SUBNET_INVALID' });
});

test('fields of the status that others wrote stay', () => {
  const cluster = small();
  const subnet = cluster.subnets.get('s');
  assert.ok(subnet);
  const status: object = { conditions: ['theirs'] };
  cluster.subnets.set('s', { ...subnet, status });
  cluster.repair();
  assert.deepEqual(cluster.subnets.get('s')?.status, {
    conditions: ['theirs'],
    totalIPCount: 10,
    allocatedIPCount: 0,
  });
});
