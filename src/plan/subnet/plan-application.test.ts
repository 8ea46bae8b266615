import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderSubnet } from '#api';
import { AddressSet } from '#ip';
import type { Application } from './application.ts';
import { allocated, app, gone, KEEP, P, POOL, reasons, run, sized, small } from './application-fixture.ts';
import { type ApplicationFacts, planApplicationPools } from './index.ts';
import { application, Cluster, fromSubnet, NO_RESERVED, recordsOf, subnetObject } from './subnet-fixture.ts';

test('excluded and reserved addresses are carved for no pool', () => {
  const cluster = new Cluster([
    subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'], excludeIPs: ['10.6.0.10'] }),
  ]);
  cluster.reserved = { ...NO_RESERVED, 4: AddressSet.parse(4, ['10.6.0.11']) };
  run(cluster, app, sized('3'), 0);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.12-10.6.0.14']);
});

test('redundant addresses of one application are not for another', () => {
  const cluster = small();
  run(cluster, app, sized('8'), 1);
  const plan = run(cluster, application('other', { uid: '0-2' }), sized('3'), 3);
  assert.deepEqual(
    plan.notices.map(({ message }) => message),
    ["insufficient subnet FreeIPs, required '3' but only left '2': SpiderSubnet s"],
  );
  assert.deepEqual([...cluster.pools.keys()], [POOL]);
});

test('a pool that cannot grow keeps what it has', () => {
  const cluster = small();
  run(cluster, app, sized('+0'), 8);
  const plan = run(cluster, app, sized('+0'), 11);
  assert.deepEqual([reasons(plan), cluster.ipsOf(POOL)], [['SubnetExhausted'], ['10.6.0.10-10.6.0.17']]);
});

test('a pool shrinks as far as pods let it, and further when they have gone', () => {
  const cluster = small();
  run(cluster, app, sized('+0'), 3);
  for (const pod of ['a', 'b', 'c']) cluster.allocate(POOL, pod);
  cluster.release(POOL, '10.6.0.10');
  const plan = run(cluster, app, sized('+0'), 1);
  assert.deepEqual([reasons(plan), cluster.ipsOf(POOL)], [['PoolInUse'], ['10.6.0.11-10.6.0.12']]);
  cluster.release(POOL, '10.6.0.12');
  assert.deepEqual(reasons(run(cluster, app, sized('+0'), 1)), []);
  assert.deepEqual([cluster.ipsOf(POOL), allocated(cluster)], [['10.6.0.11'], 1]);
});

test('several NICs of two applications with one name have a pool each', () => {
  const cluster = new Cluster([
    subnetObject('a'),
    subnetObject('b', { subnet: '10.7.0.0/16', ips: ['10.7.0.10-10.7.0.19'], gateway: '10.7.0.1' }),
  ]);
  const annotations = {
    [`${P}subnets`]: '[{"interface":"eth0","ipv4":["a"]},{"interface":"net1","ipv4":["b"]}]',
    [`${P}ippool-ip-number`]: '2',
  };
  run(cluster, app, annotations, 0);
  run(cluster, application('app', { namespace: 'other', uid: '0-2' }), annotations, 0);
  assert.deepEqual([...cluster.pools.keys()].sort(), [
    'auto-app-v4-eth0-2',
    POOL,
    'auto-app-v4-net1-2',
    'auto-app-v4-net1-b1a361c7e9df',
  ]);
  assert.deepEqual([allocated(cluster, 'a'), allocated(cluster, 'b')], [4, 4]);
});

test('dual stack: a pool of each family, and none of a family that is disabled', () => {
  const v6 = {
    ipVersion: 6 as const,
    subnet: 'fd00:6::/64',
    ips: ['fd00:6::10-fd00:6::ffff'],
    gateway: 'fd00:6::1',
  };
  const annotations = { [`${P}subnet`]: '{"ipv4":["s"],"ipv6":["six"]}', [`${P}ippool-ip-number`]: '2' };
  const cluster = new Cluster([subnetObject('s'), subnetObject('six', v6)]);
  const plan = run(cluster, app, annotations, 0, { families: [4] });
  assert.deepEqual([reasons(plan), [...cluster.pools.keys()]], [['FamilyDisabled'], [POOL]]);
  run(cluster, app, annotations, 0);
  assert.deepEqual(cluster.ipsOf('auto-app-v6-eth0-b1a361c7e9df'), ['fd00:6::10-fd00:6::11']);
});

test('a very long name of an application is no obstacle', () => {
  const cluster = small();
  const long = application('a'.repeat(253));
  run(cluster, long, sized('2', KEEP), 0);
  gone(cluster, long);
  const next = { ...long, uid: '0-2' };
  run(cluster, next, sized('3', KEEP), 0);
  assert.equal(cluster.pools.size, 1);
  assert.equal(allocated(cluster), 3);
});

test('a missing, terminating or wrong subnet is told, and no pool is made', () => {
  const cluster = new Cluster([
    subnetObject('six', { ipVersion: 6, subnet: 'fd00::/64', ips: [], gateway: 'fd00::1' }),
    { ...subnetObject('s'), metadata: { name: 's', deletionTimestamp: '2026-01-01T00:00:00Z' } },
  ]);
  const told = (subnet: string) => reasons(run(cluster, app, fromSubnet(subnet), 1));
  assert.deepEqual(['none', 's', 'six'].map(told), [
    ['SubnetNotFound'],
    ['SubnetTerminating'],
    ['SubnetWrongFamily'],
  ]);
  assert.equal(cluster.pools.size, 0);
});

test('a subnet whose network an older one has keeps its pools as they are, and gives no new addresses', () => {
  const cluster = small();
  run(cluster, app, sized('+1'), 1);
  const before = cluster.ipsOf(POOL);
  const mark = (status: 'True' | 'False', reason: string) => {
    const subnet = cluster.subnets.get('s') as SpiderSubnet;
    const conditions = [{ type: 'Overlapping', status, reason, message: 'overlap with Subnet t' }];
    cluster.subnets.set('s', { ...subnet, status: { ...subnet.status, conditions } });
  };
  mark('True', 'NetworkOfAnotherSubnet');
  const { notices } = run(cluster, app, sized('+1'), 3);
  assert.deepEqual(
    notices.map(({ type, message }) => [type, message]),
    [['Warning', 'SpiderSubnet s is left out: overlap with Subnet t']],
  );
  assert.deepEqual(cluster.ipsOf(POOL), before);
  for (const [status, reason] of [
    ['False', 'Solved'],
    ['True', 'AddressesOfAnotherPool'],
  ] as const) {
    mark(status, reason);
    assert.deepEqual(reasons(run(cluster, app, sized('+1'), 3)), [], reason);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.13']);
  }
});

test('a plan for a pod makes and enlarges pools, and never shrinks or removes them', () => {
  const cluster = small();
  const pod: Partial<ApplicationFacts> = { asker: 'pod' };
  run(cluster, app, sized('+1'), 2, pod);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.12']);
  assert.deepEqual(
    [...run(cluster, app, sized('+1'), 3, pod).pools.values()].map(({ metadata }) => metadata.name),
    [POOL],
  );
  run(cluster, app, sized('+1'), 1, pod);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.13']);
  run(cluster, app, {}, 1, pod);
  assert.equal(cluster.pools.size, 1);
});

test('pools follow gateway and routes of their subnet', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 0);
  const subnet = cluster.subnets.get('s');
  assert.ok(subnet?.spec);
  const routes = [{ dst: '10.9.0.0/16', gw: '10.6.0.3' }];
  cluster.subnets.set('s', { ...subnet, spec: { ...subnet.spec, gateway: '10.6.0.2', routes } });
  run(cluster, app, sized('2'), 0);
  const { gateway, routes: theirs, ips } = cluster.pools.get(POOL)?.spec ?? {};
  assert.deepEqual([gateway, theirs, ips], ['10.6.0.2', routes, ['10.6.0.10-10.6.0.11']]);
});

test('pools have the provider of addresses that their subnet names, now or later, and annotations of others stay', () => {
  const cluster = small();
  const isOfProvider = ([key]: [string, string]) => /iaas-provider|network|note/.test(key);
  const annotations = () =>
    Object.entries(cluster.pools.get(POOL)?.metadata.annotations ?? {}).filter(isOfProvider);
  const name = (network: string) => {
    const subnet = cluster.subnets.get('s');
    assert.ok(subnet !== undefined);
    const own = {
      'ipam.spidernet.io/iaas-provider': 'neutron',
      'openstack.orbweaver.io/network': network,
      'example.com/note': 'of the subnet',
    };
    cluster.subnets.set('s', { ...subnet, metadata: { ...subnet.metadata, annotations: own } });
    run(cluster, app, sized('2'), 0);
  };
  name('one');
  assert.deepEqual(annotations(), [
    ['ipam.spidernet.io/iaas-provider', 'neutron'],
    ['openstack.orbweaver.io/network', 'one'],
  ]);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool !== undefined);
  const noted = { ...pool.metadata.annotations, 'example.com/note': 'of the pool' };
  cluster.pools.set(POOL, { ...pool, metadata: { ...pool.metadata, annotations: noted } });
  name('two');
  assert.deepEqual(Object.fromEntries(annotations()), {
    'ipam.spidernet.io/iaas-provider': 'neutron',
    'openstack.orbweaver.io/network': 'two',
    'example.com/note': 'of the pool',
  });
});

test('an address that a subnet excludes later leaves the pool, unless a pod holds it', () => {
  const cluster = small();
  run(cluster, app, sized('3'), 0);
  cluster.allocate(POOL, 'a');
  const subnet = cluster.subnets.get('s');
  assert.ok(subnet?.spec);
  cluster.subnets.set('s', { ...subnet, spec: { ...subnet.spec, excludeIPs: ['10.6.0.10-10.6.0.11'] } });
  run(cluster, app, sized('3'), 0);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10', '10.6.0.12-10.6.0.13']);
});

test('labels and annotations that others put on a pool stay', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 0);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool);
  const annotations = { ...pool.metadata.annotations, 'example.com/note': 'mine' };
  const labels = { ...pool.metadata.labels, 'example.com/team': 'net' };
  cluster.write({ verb: 'update', pool: { ...pool, metadata: { ...pool.metadata, annotations, labels } } });
  run(cluster, app, sized('3'), 0);
  const { metadata } = cluster.pools.get(POOL) ?? { metadata: {} };
  assert.deepEqual(
    [metadata.annotations?.['example.com/note'], metadata.labels?.['example.com/team']],
    ['mine', 'net'],
  );
  assert.equal(metadata.annotations?.[`${P}ippool-ip-number`], '3');
});

test('addresses that a user changed by hand become those of the booking again', () => {
  const cluster = small();
  run(cluster, app, sized('3'), 0);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool?.spec);
  cluster.write({
    verb: 'update',
    pool: { ...pool, spec: { ...pool.spec, ips: ['10.6.0.10'], excludeIPs: ['10.6.0.10'] } },
  });
  run(cluster, app, sized('3'), 0);
  const { ips, excludeIPs } = cluster.pools.get(POOL)?.spec ?? {};
  assert.deepEqual([ips, excludeIPs], [['10.6.0.10-10.6.0.12'], undefined]);
});

test('plans of several applications may share one write of their subnet, and nothing follows from it before', () => {
  const cluster = small();
  const apps = ['one', 'two', 'three'].map((name, index) => application(name, { uid: `0-${index}` }));
  const facts = (of: Application) => cluster.facts(of, sized('3'), 0);
  for (const one of apps) for (const write of planApplicationPools(facts(one)).writes) cluster.write(write);
  let ledgers: ApplicationFacts['ledgers'] = cluster.ledgers();
  for (const one of [...apps, ...apps]) {
    const plan = planApplicationPools({ ...facts(one), ledgers });
    assert.deepEqual(
      plan.writes.filter(({ verb }) => verb === 'update'),
      [],
      'a pool is ahead of its booking',
    );
    ledgers = plan.ledgers;
  }
  for (const ledger of ledgers.values()) assert.equal(cluster.storeLedger(ledger), true);
  for (const one of apps) run(cluster, one, sized('3'), 0);
  assert.deepEqual(
    [...cluster.pools.values()].map(({ spec }) => spec?.ips),
    [['10.6.0.10-10.6.0.12'], ['10.6.0.13-10.6.0.15'], ['10.6.0.16-10.6.0.18']],
  );
});

test('a planner that still sees a pool that is gone does not touch the booking of its successor', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 0);
  const before = cluster.index();
  gone(cluster, app);
  run(cluster, app, sized('2'), 0);
  const plan = planApplicationPools({ ...cluster.facts(app, sized('4'), 0), pools: before });
  for (const ledger of plan.ledgers.values()) cluster.storeLedger(ledger);
  for (const write of plan.writes) cluster.write(write);
  cluster.check();
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.11']);
});

test('a pool whose records cannot be read is left alone', () => {
  const cluster = small();
  run(cluster, app, sized('3'), 0);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool);
  cluster.pools.set(POOL, { ...pool, status: { ...pool.status, allocatedIPs: '{' } });
  const plan = planApplicationPools(cluster.facts(app, sized('1'), 0));
  assert.deepEqual([reasons(plan), plan.writes], [['PoolInvalid'], []]);
  assert.throws(() => recordsOf(cluster.pools.get(POOL) ?? pool));
});
