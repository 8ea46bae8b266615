import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderMultusConfig, type SpiderSubnet } from '#api';
import { poolObject } from '../ipam/pool-fixture.ts';
import {
  type AdmissionCluster,
  type AdmissionQuestion,
  admissionVerdict,
  admittedObject,
} from './admission.ts';

const cluster: AdmissionCluster = {
  pools: () => [],
  subnets: () => [],
  nodes: () => [],
  multusConfigs: () => [],
  definitions: () => [],
  families: [4, 6],
};

function question(object: object, change: Partial<AdmissionQuestion> = {}): AdmissionQuestion {
  const group = 'spiderpool.spidernet.io';
  const kind = { group, plural: 'spiderippools', subresource: '' };
  return { operation: 'CREATE', ...kind, object, oldObject: undefined, ...change };
}

const admitted = (object: object, change?: Partial<AdmissionQuestion>) =>
  admittedObject(question(object, change), cluster) as SpiderIPPool;

const fields = (asked: AdmissionQuestion, facts: Partial<AdmissionCluster> = {}) =>
  admissionVerdict(asked, { ...cluster, ...facts }).issues.map(({ field }) => field);

test('the mutating step gives a pool its defaults and the finalizer that a controller removes later', () => {
  const pool = admitted(poolObject('p', { ips: ['10.6.0.11', '10.6.0.10'] }));
  assert.deepEqual([pool.spec?.ipVersion, pool.spec?.ips], [4, ['10.6.0.10-10.6.0.11']]);
  assert.deepEqual(pool.metadata.finalizers, [SPIDERPOOL_FINALIZER]);
});

test('the mutating step sorts the ranges of a reservation', () => {
  const reserved = { metadata: { name: 'r' }, spec: { ips: ['10.6.0.11', '10.6.0.10'] } };
  assert.deepEqual(admitted(reserved, { plural: 'spiderreservedips' }).spec?.ips, ['10.6.0.10-10.6.0.11']);
});

test('the validating step checks the object as it is, and does not add removed defaults again', () => {
  assert.deepEqual(fields(question(poolObject('p'))), ['spec.ipVersion']);
  assert.deepEqual(fields(question(admitted(poolObject('p')))), []);
});

test('a pool is checked against the pools and the nodes of the cluster, and against the enabled families', () => {
  const pool = admitted(poolObject('p', { routes: [{ dst: '10.9.0.1/32', gw: '10.6.0.2' }] }));
  const node = {
    metadata: { name: 'n' },
    status: { addresses: [{ type: 'InternalIP', address: '10.9.0.1' }] },
  };
  assert.deepEqual(fields(question(pool), { pools: () => [admitted(poolObject('other'))] }), ['spec.ips']);
  assert.deepEqual(fields(question(pool), { nodes: () => [node] }), ['spec.routes[0].dst']);
  assert.deepEqual(fields(question(pool), { families: [6] }), ['spec.ipVersion']);
});

test('a deletion checks only the allocated addresses of a pool', () => {
  const held = { ...poolObject('p', { ips: ['10.7.0.1'] }), status: { allocatedIPCount: 1 } };
  assert.deepEqual(fields(question(held, { operation: 'DELETE' })), ['status.allocatedIPCount']);
  const coordinator = { metadata: { name: 'default' }, spec: { vethLinkAddress: '999.1.1.1' } };
  const of = { plural: 'spidercoordinators' };
  assert.deepEqual(fields(question(coordinator, of)), ['spec.podCIDRType', 'spec.vethLinkAddress']);
  assert.deepEqual(fields(question(coordinator, { ...of, operation: 'DELETE' })), []);
});

const scc = { plural: 'spidercoordinators' };
const coordinatorOf = (spec: object | undefined) => ({ metadata: { name: 'default' }, spec });

test('a SpiderCoordinator must name its podCIDRType, but one that is stored without may be written again', () => {
  const without = coordinatorOf({ mode: 'auto' });
  assert.deepEqual(fields(question(without, scc)), ['spec.podCIDRType']);
  assert.deepEqual(fields(question(coordinatorOf(undefined), scc)), ['spec.podCIDRType']);
  assert.deepEqual(fields(question(coordinatorOf({ podCIDRType: 'auto' }), scc)), []);
  const update = { ...scc, operation: 'UPDATE' } as const;
  assert.deepEqual(fields(question(without, { ...update, oldObject: without })), []);
  const typed = coordinatorOf({ podCIDRType: 'auto' });
  assert.deepEqual(fields(question(without, { ...update, oldObject: typed })), ['spec.podCIDRType']);
  const { issues } = admissionVerdict(question(without, scc), cluster);
  assert.equal(issues[0]?.message, 'is required: one of auto, cluster, calico, cilium, none');
});

test('the mutating step makes networks of a SpiderCoordinator canonical, and leaves unreadable ones to the checks', () => {
  const spec = {
    podCIDRType: 'auto',
    hijackCIDR: [' 169.254.25.10', '10.0.0.1/8', 'fd00:0::1', '10.0.0.0/99'],
    policyRoutes: [{ dst: '10.1.0.9', gw: '10.6.0.1' }],
  };
  const stored = admittedObject(question(coordinatorOf(spec), scc), cluster) as {
    spec: typeof spec;
    metadata: object;
  };
  assert.deepEqual(stored.spec.hijackCIDR, ['169.254.25.10/32', '10.0.0.0/8', 'fd00::1/128', '10.0.0.0/99']);
  assert.deepEqual(stored.spec.policyRoutes, [{ dst: '10.1.0.9/32', gw: '10.6.0.1' }]);
  assert.deepEqual(fields(question(stored, scc)), ['spec.hijackCIDR[3]']);
});

test('a SpiderCoordinator gets no finalizer, so that it can be deleted', () => {
  const stored = admittedObject(
    question(coordinatorOf({ podCIDRType: 'auto' }), scc),
    cluster,
  ) as SpiderIPPool;
  assert.equal(stored.metadata.finalizers, undefined);
});

test('status writes, other kinds and malformed objects are admitted unchanged', () => {
  const wrong = poolObject('p', { ips: ['10.7.0.5'] });
  const shapeless = { metadata: { name: 'p' }, spec: { subnet: '10.6.0.0/16', ips: 'all' } };
  const cases: [object, Partial<AdmissionQuestion>][] = [
    [wrong, { subresource: 'status' }],
    [wrong, { group: '', plural: 'configmaps' }],
    [shapeless, {}],
  ];
  for (const [object, change] of cases) {
    const asked = question(object, change);
    assert.equal(admittedObject(asked, cluster), object);
    assert.deepEqual(admissionVerdict(asked, cluster), { issues: [], warnings: [] });
  }
});

test('only an admitted object causes warnings', () => {
  const ips = ['10.6.255.250-10.6.255.255'];
  const pool = admitted(poolObject('p', { ips }));
  assert.equal(admissionVerdict(question(pool), cluster).warnings.length, 1);
  const others = { ...cluster, pools: () => [admitted(poolObject('other', { ips: ['10.6.255.251'] }))] };
  const refused = admissionVerdict(question(pool), others);
  assert.deepEqual([refused.issues.length, refused.warnings], [1, []]);
});

test('a SpiderSubnet is completed and checked, and pools of its network belong to it', () => {
  const of = { plural: 'spidersubnets' };
  const given = {
    metadata: { name: 's', uid: 'u' },
    spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.12'] },
  };
  const stored = admittedObject(question(given, of), cluster) as SpiderSubnet;
  assert.equal(stored.spec?.ipVersion, 4);
  const inside = { subnets: () => [stored] };
  assert.deepEqual(fields(question({ ...stored, metadata: { name: 'other' } }, of), inside), ['spec.subnet']);
  const pool = admittedObject(question(poolObject('p', { ips: ['10.6.0.13'] })), {
    ...cluster,
    ...inside,
  }) as SpiderIPPool;
  assert.equal(pool.metadata.ownerReferences?.[0]?.uid, 'u');
  assert.deepEqual(fields(question(pool), inside), ['spec.ips']);
  const held = { ...pool, status: { allocatedIPCount: 1 } };
  // Our finalizer makes the deletion wait. Without it, the deletion is refused.
  const bare = { ...stored, metadata: { ...stored.metadata, finalizers: [] } };
  const deletion = (object: SpiderSubnet) => question(object, { ...of, operation: 'DELETE' });
  assert.deepEqual(fields(deletion(bare), { pools: () => [held] }), ['spec.subnet']);
  assert.deepEqual(fields(deletion(stored), { pools: () => [held] }), []);
});

test('a SpiderMultusConfig is admitted by its own decisions, and a deletion is not checked', () => {
  const of = { plural: 'spidermultusconfigs' };
  const custom = { metadata: { name: 'net', namespace: 'apps' }, spec: { cniType: 'custom' } };
  const stored = admittedObject(question(custom, of), cluster) as SpiderMultusConfig;
  assert.deepEqual(stored.spec, { cniType: 'custom', enableCoordinator: false });
  const wrong = { ...custom, spec: { cniType: 'macvlan' } };
  assert.deepEqual(fields(question(wrong, of)), ['spec.macvlan']);
  assert.deepEqual(fields(question(wrong, { ...of, operation: 'DELETE' })), []);
  const annotations = { 'multus.spidernet.io/cr-name': 'x' };
  const renamed = { ...custom, metadata: { ...custom.metadata, annotations } };
  const update = { ...of, operation: 'UPDATE', oldObject: custom } as const;
  assert.deepEqual(fields(question(renamed, update)), ['metadata.annotations[multus.spidernet.io/cr-name]']);
});

test('unknown fields of a coordinator are named', () => {
  const coordinator = { metadata: { name: 'default' }, spec: { podCIDRType: 'none', ipamLogOptions: {} } };
  const { warnings } = admissionVerdict(question(coordinator, { plural: 'spidercoordinators' }), cluster);
  assert.deepEqual(warnings, ['this version does not know spec.ipamLogOptions: stored, but without effect']);
});

test('of a hundred pools with the same addresses only the first is admitted', () => {
  const stored: SpiderIPPool[] = [];
  for (let number = 0; number < 100; number++) {
    const given = admitted(poolObject(`p${number}`));
    if (fields(question(given), { pools: () => stored }).length === 0) stored.push(given);
  }
  assert.deepEqual(
    stored.map(({ metadata }) => metadata.name),
    ['p0'],
  );
});
