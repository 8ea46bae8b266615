import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { poolInSubnet, validatePoolInSubnet } from './admit-pool.ts';
import { defaultSubnet, validateSubnet, validateSubnetDeletion } from './admit-subnet.ts';
import { application, Cluster, fromSubnet, subnetObject } from './subnet-fixture.ts';

type Spec = Partial<NonNullable<SpiderSubnet['spec']>>;

const subnet = (spec: Spec = {}, name = 's') => subnetObject(name, { ips: ['10.6.0.10-10.6.0.19'], ...spec });
function pool(name: string, spec: Partial<NonNullable<SpiderIPPool['spec']>> = {}): SpiderIPPool {
  return resources.spiderIPPools.schema.parse({
    metadata: { name },
    spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.12'], ...spec },
  });
}

interface Stored {
  readonly others?: SpiderSubnet[];
  readonly pools?: SpiderIPPool[];
  readonly old?: SpiderSubnet;
  readonly families?: readonly (4 | 6)[];
}

/** `field: message` of each issue. */
function refused(
  given: SpiderSubnet,
  { others = [], pools = [], old, families = [4, 6] }: Stored = {},
): string[] {
  const issues = validateSubnet(given, { others, pools }, { old, families });
  return issues.map(({ field, message }) => `${field}: ${message}`);
}

test('a new subnet gets version, finalizer, label, merged ranges and a canonical network', () => {
  const given = {
    metadata: { name: 's' },
    spec: { subnet: '10.6.0.1/16', ips: ['10.6.0.3', '10.6.0.2'], excludeIPs: ['10.6.0.3', '10.6.0.3'] },
  };
  assert.deepEqual(defaultSubnet(given), {
    metadata: {
      name: 's',
      finalizers: ['spiderpool.spidernet.io'],
      labels: { 'ipam.spidernet.io/subnet-cidr': '10-6-0-0-16' },
    },
    spec: { subnet: '10.6.0.0/16', ipVersion: 4, ips: ['10.6.0.2-10.6.0.3'], excludeIPs: ['10.6.0.3'] },
  });
});

test('a valid subnet is admitted', () => {
  assert.deepEqual(refused(subnet()), []);
  assert.deepEqual(refused(subnet({ routes: [{ dst: '10.9.0.0/16', gw: '10.6.0.1' }] })), []);
});

test('a subnet that contradicts itself is refused with its field', () => {
  const cases: [Spec, RegExp][] = [
    [{ ips: ['10.7.0.1'] }, /^spec\.ips\[0\]: not match base subnet/],
    [{ excludeIPs: ['10.6.0.9-10.6.0.1'] }, /^spec\.excludeIPs\[0\]: /],
    [{ gateway: '10.7.0.1' }, /^spec\.gateway: must be inside spec\.subnet/],
    [{ gateway: '10.6.0.10' }, /^spec\.gateway: is in spec\.ips, so a pod could get it/],
    [
      { routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }] },
      /^spec\.routes\[0\]\.dst: please specify 'spec\.gateway' to configure the default route/,
    ],
    [{ routes: [{ dst: '10.9.0.0/16', gw: '10.7.0.1' }] }, /^spec\.routes\[0\]\.gw: /],
    [{ subnet: '10.6.0.1/16' }, /^spec\.subnet: unformatted subnet/],
    [{ subnet: 'rubbish' }, /^spec\.subnet: /],
    [{ ipVersion: 6 }, /^spec\.ipVersion: /],
  ];
  for (const [spec, message] of cases)
    assert.match(refused(subnet(spec)).join('\n'), message, JSON.stringify(spec));
  assert.deepEqual(refused(subnet(), { families: [6] }), ['spec.ipVersion: IPv4 is disabled']);
  assert.deepEqual(refused({ metadata: { name: 's' } }), ['spec: is required']);
});

test('of a hundred subnets of one network only the first is admitted', () => {
  const stored: SpiderSubnet[] = [];
  for (let number = 0; number < 100; number++) {
    const given = subnet({}, `s${number}`);
    if (refused(given, { others: stored }).length === 0) stored.push(given);
  }
  assert.deepEqual(
    stored.map(({ metadata }) => metadata.name),
    ['s0'],
  );
  assert.deepEqual(refused(subnet({ subnet: '10.6.0.0/24' }, 'other'), { others: stored }), [
    "spec.subnet: overlap with Subnet s0 which 'spec.subnet' is 10.6.0.0/16",
  ]);
});

test('pools that exist before their subnet must have its network, and addresses of it alone', () => {
  assert.deepEqual(
    refused(subnet(), { pools: [pool('in'), pool('far', { subnet: '10.9.0.0/16', ips: [] })] }),
    [],
  );
  assert.deepEqual(refused(subnet(), { pools: [pool('p', { subnet: '10.6.0.0/24' })] }), [
    "spec.subnet: overlap with SpiderIPPool 'p' resource 'spec.subnet' 10.6.0.0/24",
  ]);
  assert.deepEqual(refused(subnet(), { pools: [pool('p', { ips: ['10.6.0.19-10.6.0.21'] })] }), [
    "spec.ips: SpiderIPPool 'p' owns some IP addresses that SpiderSubnet 's' can't control: [10.6.0.20-10.6.0.21]",
  ]);
});

test('addresses can be added to a subnet and removed, but none that a pool has', () => {
  const cluster = new Cluster([subnet()]);
  cluster.settle(() => cluster.facts(application('app'), fromSubnet('s'), 2));
  const old = cluster.subnets.get('s');
  assert.ok(old?.spec);
  const changed = (spec: Spec) =>
    refused({ ...old, spec: { ...old.spec, subnet: '10.6.0.0/16', ...spec } }, { old });
  assert.deepEqual(changed({ ips: ['10.6.0.10-10.6.0.99'] }), []);
  assert.deepEqual(changed({ ips: ['10.6.0.10-10.6.0.11'] }), []);
  const message =
    "spec.ips: remove some IP ranges [10.6.0.11] that is being used by IPPool auto-app-v4-eth0-b1a361c7e9df, total IP addresses of an Subnet are jointly determined by 'spec.ips' and 'spec.excludeIPs'";
  assert.deepEqual(changed({ ips: ['10.6.0.10', '10.6.0.12'] }), [message]);
  assert.deepEqual(changed({ excludeIPs: ['10.6.0.11'] }), [message]);
});

test('network and version of a subnet never change, and a terminating one keeps its spec', () => {
  const old = subnet();
  assert.match(
    refused(subnet({ subnet: '10.7.0.0/16' }), { old }).join(),
    /^spec\.subnet: is not changeable/,
  );
  assert.match(refused(subnet({ ipVersion: 6 }), { old }).join(), /^spec\.ipVersion: is not changeable/);
  const metadata = {
    name: 's',
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['spiderpool.spidernet.io'],
  };
  assert.deepEqual(refused({ ...subnet({ ips: [] }), metadata }, { old }), [
    'spec: cannot update a terminating Subnet',
  ]);
});

test('a subnet is not deleted while pods hold addresses of its pools', () => {
  const held = { ...pool('p'), status: { allocatedIPCount: 2 } };
  const far = { ...pool('far', { subnet: '10.9.0.0/16' }), status: { allocatedIPCount: 1 } };
  const messages = validateSubnetDeletion(subnet(), [held, far]).map(({ message }) => message);
  assert.deepEqual(messages, ['cannot delete a Subnet with allocated IPs: 2 of IPPool p are in use']);
  assert.deepEqual(validateSubnetDeletion(subnet(), [pool('p'), far]), []);
});

test('of two subnets of one network, a pool stays with its owner, and a new one gets the subnet that keeps the network', () => {
  const overlapping = { type: 'Overlapping', status: 'True' as const, reason: 'NetworkOfAnotherSubnet' };
  const owner = (name: string) => ({ ...subnet({}, name).metadata, uid: name });
  const left = { ...subnet({}, 'a'), metadata: owner('a'), status: { conditions: [overlapping] } };
  const kept = { ...subnet({}, 'b'), metadata: owner('b') };
  const owners = (made: SpiderIPPool) => made.metadata.ownerReferences?.map(({ name }) => name);
  const fresh = poolInSubnet(pool('p'), [left, kept]);
  assert.deepEqual(owners(fresh), ['b']);
  assert.equal(poolInSubnet(fresh, [left, kept]), fresh);
  const old = poolInSubnet(pool('q'), [{ ...left, status: {} }]);
  assert.deepEqual(owners(old), ['a']);
  assert.equal(poolInSubnet(old, [kept, left]), old);
});

test('a pool that a user writes belongs to the subnet of its network, and inherits gateway and routes', () => {
  const routes = [{ dst: '10.9.0.0/16', gw: '10.6.0.1' }];
  const owned = poolInSubnet(pool('p'), [subnet({ routes })]);
  assert.equal(owned.metadata.labels?.['ipam.spidernet.io/owner-spider-subnet'], 's');
  assert.deepEqual(
    owned.metadata.ownerReferences?.map(({ kind, uid }) => [kind, uid]),
    [['SpiderSubnet', 'uid-of-s']],
  );
  assert.deepEqual([owned.spec?.gateway, owned.spec?.routes], ['10.6.0.1', routes]);
  assert.equal(poolInSubnet(owned, [subnet({ gateway: '10.6.0.2' })]), owned, 'what it has stays');
  const own = poolInSubnet(pool('p', { gateway: '10.6.0.9', routes: [] }), [subnet({ routes })]);
  assert.deepEqual([own.spec?.gateway, own.spec?.routes], ['10.6.0.9', []]);
  const far = pool('far', { subnet: '10.9.0.0/16' });
  assert.equal(poolInSubnet(far, [subnet()]), far);
});

test('a pool that a user writes inherits who makes its addresses ready, unless it says so itself', () => {
  const provider = 'ipam.spidernet.io/iaas-provider';
  const object = subnet();
  const annotations = { [provider]: 'neutron', 'example.com/note': 'of the subnet' };
  const ofNeutron = { ...object, metadata: { ...object.metadata, annotations } };
  assert.deepEqual(poolInSubnet(pool('p'), [ofNeutron]).metadata.annotations, { [provider]: 'neutron' });
  const other = pool('p');
  const own = { ...other, metadata: { ...other.metadata, annotations: { [provider]: 'another' } } };
  assert.deepEqual(poolInSubnet(own, [ofNeutron]).metadata.annotations, { [provider]: 'another' });
});

const issues = (given: SpiderIPPool, old: SpiderIPPool | undefined, subnets: SpiderSubnet[]) =>
  validatePoolInSubnet(given, old, subnets).map(({ field, message }) => `${field}: ${message}`);

test('a pool has addresses of its subnet alone', () => {
  assert.deepEqual(issues(pool('p', { ips: ['10.6.0.19-10.6.0.20'] }), undefined, [subnet()]), [
    "spec.ips: add some IP ranges [10.6.0.20] that are not contained in controller Subnet s, total IP addresses of an IPPool are jointly determined by 'spec.ips' and 'spec.excludeIPs'",
  ]);
  assert.deepEqual(issues(pool('p'), undefined, [subnet()]), []);
  assert.match(issues(pool('p'), undefined, [subnet({ excludeIPs: ['10.6.0.12'] })]).join(), /10\.6\.0\.12/);
});

test('a pool gets no address that its subnet keeps for another pool', () => {
  const cluster = new Cluster([subnet()]);
  cluster.settle(() => cluster.facts(application('app'), fromSubnet('s'), 3));
  assert.match(
    issues(pool('p'), undefined, [...cluster.subnets.values()]).join(),
    /^spec\.ips: Subnet s keeps the IP ranges \[10\.6\.0\.12\] for other IPPools/,
  );
});

test('the addresses of an automatic pool are those of its booking, and nobody edits them', () => {
  const cluster = new Cluster([subnet()]);
  cluster.settle(() => cluster.facts(application('app'), fromSubnet('s'), 3));
  const stored = [...cluster.pools.values()][0];
  assert.ok(stored?.spec);
  const subnets = [...cluster.subnets.values()];
  const edited = (ips: string[]) =>
    issues(
      { ...stored, spec: { ...stored.spec, subnet: '10.6.0.0/16', default: false, disable: false, ips } },
      stored,
      subnets,
    );
  for (const ips of [[], ['10.6.0.10'], ['10.6.0.10-10.6.0.13']]) {
    assert.deepEqual(edited(ips), [
      "spec.ips: it's illegal to update AutoPool.Spec.IPs that are different from corresponding SpiderSubnet.Status.ControlledIPPools",
    ]);
  }
  assert.deepEqual(edited(['10.6.0.10-10.6.0.12']), []);
  assert.deepEqual(issues(stored, undefined, subnets), []);
});

test('a subnet whose status cannot be read stops no pool and no repair of the subnet', () => {
  const broken = { ...subnet(), status: { controlledIPPools: '{' } };
  assert.deepEqual(issues(pool('p'), undefined, [broken]), []);
  assert.deepEqual(refused(subnet({ ips: [] }), { old: broken }), []);
});
