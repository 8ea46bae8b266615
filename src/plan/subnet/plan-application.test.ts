import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressSet } from '#ip';
import type { Application } from './application.ts';
import { type ApplicationFacts, planApplicationPools } from './index.ts';
import {
  application,
  Cluster,
  controlled,
  fromSubnet,
  NO_RESERVED,
  recordsOf,
  subnetObject,
} from './subnet-fixture.ts';

const P = 'ipam.spidernet.io/';
const app = application('app');
const POOL = 'auto-app-v4-eth0-b1a361c7e9df';
const small = () => new Cluster([subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'] })]);
const sized = (number: string, more: Record<string, string> = {}) =>
  fromSubnet('s', { [`${P}ippool-ip-number`]: number, ...more });
const KEEP = { [`${P}ippool-reclaim`]: 'false' };

/** The application's pools as its annotations and its number of pods ask for. */
function run(
  cluster: Cluster,
  of: Application,
  annotations: Record<string, string>,
  pods: number,
  more = {},
) {
  const plan = cluster.settle(() => cluster.facts(of, annotations, pods, more));
  cluster.check();
  return plan;
}
const gone = (cluster: Cluster, of: Application) => {
  const plan = cluster.settle(() => ({ ...cluster.facts(of, {}, 0), living: undefined }));
  cluster.repair();
  return plan;
};
const reasons = ({ findings }: { findings: readonly { reason: string }[] }) =>
  findings.map(({ reason }) => reason);
const allocated = (cluster: Cluster, subnet = 's') => cluster.subnets.get(subnet)?.status?.allocatedIPCount;

test('every kind of workload gets a pool, grows, shrinks, and leaves nothing when it is deleted', () => {
  const kinds = [
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'ReplicaSet'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['batch/v1', 'Job'],
    ['batch/v1', 'CronJob'],
  ] as const;
  for (const [apiVersion, kind] of kinds) {
    const cluster = small();
    const one = application('app', { apiVersion, kind });
    run(cluster, one, sized('+1'), 2);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.12']);
    run(cluster, one, sized('+1'), 5);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.15']);
    run(cluster, one, sized('+1'), 1);
    assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.11']);
    gone(cluster, one);
    assert.deepEqual([cluster.pools.size, allocated(cluster), controlled(cluster, 's')], [0, 0, null]);
  }
});

test('a restart changes nothing: the pool has the same addresses, and no write is left', () => {
  const cluster = small();
  run(cluster, app, sized('+1'), 2);
  const plan = planApplicationPools(cluster.facts(app, sized('+1'), 2));
  assert.deepEqual([plan.writes, plan.findings], [[], []]);
  assert.equal(
    [...plan.ledgers.values()].every((ledger) => ledger.change() === undefined),
    true,
  );
});

test('pools made and removed many times leave the subnet as it was', () => {
  const cluster = small();
  for (let time = 0; time < 20; time++) {
    const one = application('app', { uid: `0-${time}` });
    run(cluster, one, sized(String(1 + (time % 10))), 0);
    gone(cluster, one);
    assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
  }
});

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
    plan.findings.map(({ message }) => message),
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

test('a pool of a deleted application waits for its last pod, and gives out no address', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 1);
  cluster.allocate(POOL, 'a');
  gone(cluster, app);
  assert.deepEqual([allocated(cluster), cluster.allocate(POOL, 'b')], [2, undefined]);
  cluster.release(POOL, '10.6.0.10');
  gone(cluster, app);
  assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
});

test('a kept pool serves the next application of the same name and kind, with its new size', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  assert.deepEqual([cluster.ipsOf(POOL), allocated(cluster)], [['10.6.0.10-10.6.0.12'], 3]);
  const next = application('app', { uid: '0-123456789abc' });
  run(cluster, next, sized('4', KEEP), 0);
  assert.deepEqual([...cluster.pools.keys()], [POOL]);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.13']);
  assert.equal(cluster.pools.get(POOL)?.metadata.labels?.[`${P}owner-application-uid`], next.uid);
});

test('a kept pool serves no application of another kind, name or namespace', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  for (const [index, change] of [
    { kind: 'StatefulSet' },
    { name: 'other' },
    { namespace: 'other' },
  ].entries()) {
    run(cluster, application('app', { uid: `0-${index}`, ...change }), sized('1'), 0);
  }
  assert.equal(cluster.pools.size, 4);
  assert.deepEqual(cluster.ipsOf(POOL), ['10.6.0.10-10.6.0.12']);
});

test('the controller of a third party gets a pool, and takes or leaves a kept one as others do', () => {
  const cluster = small();
  const rollout = application('app', { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' });
  run(cluster, rollout, sized('3', KEEP), 0);
  gone(cluster, rollout);
  run(cluster, { ...rollout, uid: '0-2' }, sized('4', KEEP), 0);
  assert.deepEqual([[...cluster.pools.keys()], cluster.ipsOf(POOL)], [[POOL], ['10.6.0.10-10.6.0.13']]);
  run(cluster, { ...rollout, kind: 'Canary', uid: '0-3' }, sized('1'), 0);
  assert.deepEqual(cluster.ipsOf('auto-app-v4-eth0-3'), ['10.6.0.14']);
});

test('a kept pool goes when its label is changed so that it is reclaimed', () => {
  const cluster = small();
  run(cluster, app, sized('3', KEEP), 0);
  gone(cluster, app);
  const pool = cluster.pools.get(POOL);
  assert.ok(pool);
  const labels = { ...pool.metadata.labels, [`${P}ippool-reclaim`]: 'true' };
  cluster.write({ verb: 'update', pool: { ...pool, metadata: { ...pool.metadata, labels } } });
  gone(cluster, app);
  assert.deepEqual([cluster.pools.size, allocated(cluster)], [0, 0]);
});

test('an application made anew does not take the pool that goes with its earlier life', () => {
  const cluster = small();
  run(cluster, app, sized('2'), 0);
  cluster.allocate(POOL, 'old');
  run(cluster, application('app', { uid: '0-2' }), sized('2'), 0);
  assert.deepEqual(cluster.ipsOf('auto-app-v4-eth0-2'), ['10.6.0.12-10.6.0.13']);
  assert.notEqual(cluster.pools.get(POOL)?.metadata.deletionTimestamp, undefined);
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

test('a changed subnet: the application gets a pool of the new one at once, and keeps the old one while pods use it', () => {
  const cluster = new Cluster([
    subnetObject('s', { ips: ['10.6.0.10-10.6.0.19'] }),
    subnetObject('t', { subnet: '10.7.0.0/16', ips: ['10.7.0.10-10.7.0.19'], gateway: '10.7.0.1' }),
  ]);
  run(cluster, app, sized('+1'), 2);
  cluster.allocate(POOL, 'old');
  const moved = { ...fromSubnet('t'), [`${P}ippool-ip-number`]: '+1' };
  assert.deepEqual(reasons(run(cluster, app, moved, 2)), ['ApplicationSubnetChanged']);
  assert.deepEqual(cluster.ipsOf(`${POOL}-2`), ['10.7.0.10-10.7.0.12']);
  assert.deepEqual([allocated(cluster, 's'), allocated(cluster, 't')], [3, 3]);
  cluster.release(POOL, '10.6.0.10');
  assert.deepEqual(reasons(run(cluster, app, moved, 2)), []);
  cluster.repair();
  assert.deepEqual([[...cluster.pools.keys()], allocated(cluster, 's')], [[`${POOL}-2`], 0]);
});

test('an application that no longer asks for a subnet loses its pool when no pod uses it', () => {
  const cluster = small();
  run(cluster, app, sized('+1'), 2);
  run(cluster, app, {}, 2);
  assert.equal(cluster.pools.size, 0);
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
