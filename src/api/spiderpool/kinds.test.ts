// The six kinds: what they accept, fill in and refuse, and what their rules allow to change.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '@marcbachmann/cel-js';
import type { OpenApiSchema } from '../crd/structural.ts';
import { crdManifests } from '../manifests.ts';
import { customResources } from '../resources.ts';
import { issuesOf } from '../validation.ts';

const { spiderCoordinators, spiderEndpoints, spiderIPPools, spiderMultusConfigs, spiderSubnets } =
  customResources;
const metadata = { name: 'x' };

function fieldsRefused(kind: { schema: Parameters<typeof issuesOf>[0] }, spec: object): string[] {
  return issuesOf(kind.schema, { metadata, spec }).map((issue) => issue.field);
}

test('a pool with only a subnet is not a default pool and not disabled', () => {
  const pool = spiderIPPools.schema.parse({ metadata, spec: { subnet: '10.6.0.0/16' } });
  assert.deepEqual(pool.spec, { subnet: '10.6.0.0/16', default: false, disable: false });
});

test('unknown fields of a newer server survive a read', () => {
  const pool = spiderIPPools.schema.parse({ metadata, spec: { subnet: '10.6.0.0/16', later: { on: true } } });
  assert.deepEqual(pool.spec?.['later' as never], { on: true });
});

test('a count that Spiderpool capped at the largest int64 can be read', () => {
  const text = '{"metadata":{"name":"x"},"status":{"totalIPCount":9223372036854775807,"allocatedIPCount":0}}';
  assert.deepEqual(issuesOf(spiderIPPools.schema, JSON.parse(text)), []);
});

test('a pool with wrong fields is refused with the name of each of them', () => {
  const spec = {
    ipVersion: 5,
    ips: '10.6.0.1',
    vlan: 4095,
    podAffinity: { matchExpressions: [{ key: 'a', operator: 'Is' }] },
  };
  assert.deepEqual(fieldsRefused(spiderIPPools, spec), [
    'spec.ipVersion',
    'spec.subnet',
    'spec.ips',
    'spec.vlan',
    'spec.podAffinity.matchExpressions[0].operator',
  ]);
});

test('the vlan field of older subnet manifests is accepted', () => {
  assert.deepEqual(fieldsRefused(spiderSubnets, { subnet: '10.6.0.1/16', vlan: 0 }), []);
});

test('an endpoint has its pod, node and addresses', () => {
  const status = {
    current: {
      uid: 'u',
      node: 'node1',
      ips: [{ interface: 'eth0', ipv4: '10.6.0.5/16', ipv4Pool: 'p', vlan: 0 }],
    },
    ownerControllerType: 'Deployment',
    ownerControllerName: 'app',
  };
  assert.deepEqual(issuesOf(spiderEndpoints.schema, { metadata, status }), []);
  const missing = { ...status, current: { uid: 'u', ips: [{}] } };
  const refused = issuesOf(spiderEndpoints.schema, { metadata, status: missing }).map((issue) => issue.field);
  assert.deepEqual(refused, ['status.current.node', 'status.current.ips[0].interface']);
});

test('both spellings of the mode switch a coordinator off', () => {
  for (const mode of ['disable', 'disabled'])
    assert.deepEqual(fieldsRefused(spiderCoordinators, { mode }), []);
  assert.deepEqual(fieldsRefused(spiderCoordinators, { mode: 'off' }), ['spec.mode']);
});

test('the coordinator block of a network configuration has no defaults, so it overrides no cluster setting', () => {
  const spec = { cniType: 'macvlan', macvlan: { master: ['eth0'] }, coordinator: { mode: 'underlay' } };
  const config = spiderMultusConfigs.schema.parse({ metadata, spec });
  assert.deepEqual(config.spec?.coordinator, { mode: 'underlay' });
});

test('an older or newer manifest keeps every field of its spec, known or not', () => {
  for (const kind of ['SpiderMultusConfig', 'SpiderCoordinator']) {
    const crd = crdManifests().find((candidate) => candidate.spec.names.kind === kind);
    const schema = crd?.spec.versions[0]?.schema?.openAPIV3Schema as OpenApiSchema;
    const pruned = prunedObjects(schema.properties?.spec ?? {}, 'spec');
    assert.deepEqual(
      pruned,
      kind === 'SpiderMultusConfig' ? ['spec.coordinator.policyRoutes[]'] : ['spec.policyRoutes[]'],
    );
  }
});

/** The objects of which the API server removes unknown fields. */
function prunedObjects(schema: OpenApiSchema, path: string): string[] {
  const fields = Object.entries(schema.properties ?? {});
  const own = fields.length > 0 && schema['x-kubernetes-preserve-unknown-fields'] !== true ? [path] : [];
  const below = fields.flatMap(([name, field]) => prunedObjects(field, `${path}.${name}`));
  return [...own, ...below, ...(schema.items ? prunedObjects(schema.items, `${path}[]`) : [])];
}

test('log options of a plugin tell an absent limit from 0, which is none', () => {
  const logOptions = { logLevel: 'debug', logFilePath: '/var/log/x.log', logFileMaxSize: 0 };
  assert.deepEqual(fieldsRefused(spiderCoordinators, { logOptions }), []);
  const spec = { cniType: 'custom', ipam: { enabled: false, logOptions }, logOptions };
  assert.deepEqual(spiderMultusConfigs.schema.parse({ metadata, spec }).spec?.ipam, spec.ipam);
  assert.deepEqual(fieldsRefused(spiderMultusConfigs, { logOptions: { logFileMaxAge: -1 } }), [
    'spec.logOptions.logFileMaxAge',
  ]);
});

test('an empty coordinator has the defaults of Spiderpool', () => {
  const { spec } = spiderCoordinators.schema.parse({ metadata, spec: {} });
  assert.deepEqual(spec, {
    mode: 'auto',
    tunePodRoutes: true,
    hostRuleTable: 500,
    podRPFilter: 0,
    txQueueLen: 0,
  });
});

test('a MAC prefix of multicast addresses is refused', () => {
  for (const podMACPrefix of ['0a:1b', 'FE:00', ''])
    assert.deepEqual(fieldsRefused(spiderCoordinators, { podMACPrefix }), []);
  for (const podMACPrefix of ['01:10', '0b:00', '0a-1b', '0a', '0a:1b:2c']) {
    assert.deepEqual(fieldsRefused(spiderCoordinators, { podMACPrefix }), ['spec.podMACPrefix']);
  }
});

test('the schema refuses a coordinator with a malformed network, name or MTU', () => {
  const fine = {
    hijackCIDR: [' 10.0.0.0/8 ', 'fd00::1'],
    podDefaultRouteNIC: '',
    vethLinkAddress: '',
    vethMTU: 68,
  };
  assert.deepEqual(fieldsRefused(spiderCoordinators, fine), []);
  const wrong = { hijackCIDR: ['local'], podDefaultRouteNIC: 'a b', vethLinkAddress: 'x', vethMTU: 67 };
  assert.deepEqual(fieldsRefused(spiderCoordinators, wrong), [
    'spec.hijackCIDR[0]',
    'spec.podDefaultRouteNIC',
    'spec.vethLinkAddress',
    'spec.vethMTU',
  ]);
});

/** Messages of the rules of a kind that a spec breaks; rules over `oldSelf` run only when there is an old spec. */
function brokenRules(kind: string, spec: object, oldSpec?: object): string[] {
  const crd = crdManifests().find((candidate) => candidate.spec.names.kind === kind);
  const schema = crd?.spec.versions[0]?.schema?.openAPIV3Schema as OpenApiSchema;
  return broken(schema.properties?.spec as OpenApiSchema, cel(spec), oldSpec && cel(oldSpec));
}

type CelValue = bigint | string | boolean | CelValue[] | { [field: string]: CelValue };

/** Integers are CEL ints. */
function cel(value: unknown): CelValue {
  return JSON.parse(JSON.stringify(value), (_, field: unknown) =>
    typeof field === 'number' ? BigInt(field) : field,
  ) as CelValue;
}

function broken(schema: OpenApiSchema, self: CelValue, oldSelf?: CelValue): string[] {
  const rules = (schema['x-kubernetes-validations'] ?? []).filter(
    ({ rule }) => oldSelf !== undefined || !rule.includes('oldSelf'),
  );
  const own = rules
    .filter(({ rule }) => evaluate(rule, { self, oldSelf }) !== true)
    .map(({ message }) => message);
  if (Array.isArray(self)) return [...own, ...self.flatMap((item) => broken(schema.items ?? {}, item))];
  if (typeof self !== 'object') return own;
  const fields = Object.entries(self).flatMap(([name, field]) =>
    broken(schema.properties?.[name] ?? {}, field),
  );
  return [...own, ...fields];
}

test('the rules of the kind refuse a podAffinity whose operators and values do not fit', () => {
  const rules = (operator: string, values?: string[]) => {
    const matchExpressions = [{ key: 'zone', operator, ...(values && { values }) }];
    return brokenRules('SpiderIPPool', { subnet: '10.6.0.0/16', podAffinity: { matchExpressions } });
  };
  for (const operator of ['In', 'NotIn']) {
    assert.deepEqual(rules(operator, ['z1']), []);
    for (const values of [undefined, []]) {
      assert.deepEqual(rules(operator, values), [
        'In and NotIn need values, Exists and DoesNotExist have none',
      ]);
    }
  }
  for (const operator of ['Exists', 'DoesNotExist']) {
    assert.deepEqual([rules(operator), rules(operator, [])], [[], []]);
    assert.equal(rules(operator, ['z1']).length, 1);
  }
});

test('the server says in words which MAC prefix, name and address a coordinator may have', () => {
  const rules = (spec: object) => brokenRules('SpiderCoordinator', spec);
  const fine = { podMACPrefix: '0a:1b', podDefaultRouteNIC: 'net1', vethLinkAddress: '169.254.100.1' };
  assert.deepEqual(rules(fine), []);
  assert.deepEqual(rules({ podMACPrefix: '', podDefaultRouteNIC: '', vethLinkAddress: '' }), []);
  assert.deepEqual(rules({ podMACPrefix: '01:10' }), [
    'must be the first two bytes of a unicast MAC address, for example 0a:1b',
  ]);
  assert.deepEqual(rules({ podDefaultRouteNIC: 'a\tb' }), [
    'must be the name of an interface: at most 15 characters without "/", ":" and blanks',
  ]);
  assert.deepEqual(rules({ vethLinkAddress: 'fe80::1' }), ['must be an IPv4 address']);
  const coordinator = (of: object) =>
    brokenRules('SpiderMultusConfig', { cniType: 'custom', coordinator: of });
  assert.equal(coordinator({ podMACPrefix: '01:10' }).length, 1);
});

test('a coordinator with a negative queue length, another rp_filter or no MTU is refused', () => {
  assert.deepEqual(fieldsRefused(spiderCoordinators, { podRPFilter: -1, vethMTU: 1500 }), []);
  const wrong = { podCIDRType: 'weave', podRPFilter: 3, txQueueLen: -1, vethMTU: 0 };
  assert.deepEqual(fieldsRefused(spiderCoordinators, wrong), [
    'spec.podCIDRType',
    'spec.podRPFilter',
    'spec.txQueueLen',
    'spec.vethMTU',
  ]);
});

test('family and subnet of a pool never change, but a missing family can be added', () => {
  const pool = { ipVersion: 4, subnet: '10.6.0.0/16' };
  assert.deepEqual(brokenRules('SpiderIPPool', pool, pool), []);
  assert.deepEqual(brokenRules('SpiderIPPool', pool, { subnet: pool.subnet }), []);
  assert.deepEqual(brokenRules('SpiderIPPool', { ...pool, ipVersion: 6 }, pool), [
    'ipVersion is immutable',
    'must be the address family of subnet',
  ]);
  assert.deepEqual(brokenRules('SpiderIPPool', { subnet: pool.subnet }, pool), ['ipVersion is immutable']);
  assert.deepEqual(brokenRules('SpiderSubnet', { ...pool, subnet: '10.7.0.0/16' }, pool), [
    'subnet is immutable',
  ]);
  assert.deepEqual(brokenRules('SpiderReservedIP', { ipVersion: 6 }, { ipVersion: 4 }), [
    'ipVersion is immutable',
  ]);
});

test('families of a pool or subnet agree, and its podAffinity selects something', () => {
  const four = { ipVersion: 4, subnet: '10.6.0.0/16', gateway: '10.6.0.1' };
  const six = { ipVersion: 6, subnet: 'fd00::/64', gateway: 'fd00::1' };
  for (const kind of ['SpiderIPPool', 'SpiderSubnet']) {
    for (const right of [four, six, { subnet: four.subnet, gateway: '' }])
      assert.deepEqual(brokenRules(kind, right), []);
    assert.deepEqual(brokenRules(kind, { ...four, ipVersion: 6 }), ['must be the address family of subnet']);
    assert.deepEqual(brokenRules(kind, { ...six, gateway: '10.6.0.1' }), [
      'must be of the address family of subnet',
    ]);
  }
  const affinity = (podAffinity: object) => brokenRules('SpiderIPPool', { ...four, podAffinity });
  assert.deepEqual(affinity({ matchLabels: { a: 'b' } }), []);
  assert.deepEqual(affinity({ matchExpressions: [{ key: 'a', operator: 'Exists' }] }), []);
  for (const empty of [{}, { matchLabels: {} }, { matchExpressions: [] }])
    assert.deepEqual(affinity(empty), ['empty podAffinity is invalid for SpiderIPPool']);
});

test('a network configuration has the field of its own type and of no other', () => {
  const macvlan = { master: ['eth0'], mtu: 0 };
  const rules = (spec: object) => brokenRules('SpiderMultusConfig', spec);
  assert.deepEqual(rules({ cniType: 'custom' }), []);
  assert.deepEqual(rules({ cniType: 'macvlan', macvlan }), []);
  assert.deepEqual(rules({ cniType: 'macvlan' }), [
    'macvlan is required when cniType is macvlan, and allowed only then',
  ]);
  assert.deepEqual(rules({ cniType: 'ib-sriov', macvlan }), [
    'macvlan is required when cniType is macvlan, and allowed only then',
    'ibsriov is required when cniType is ib-sriov, and allowed only then',
  ]);
  assert.equal(rules({ cniType: 'macvlan', macvlan, customCNI: '{}' }).length, 1);
});

test('the rules for parents, VLANs, trunks and rates are enforced', () => {
  const rules = (cniType: string, part: object) =>
    brokenRules('SpiderMultusConfig', { cniType, [cniType]: part });
  const bond = { name: 'bond0', mode: 1 };
  assert.deepEqual(rules('macvlan', { master: ['a', 'b'], bond }), []);
  assert.deepEqual(rules('macvlan', { master: ['a', 'b'] }), [
    'bond is required when master lists several interfaces',
  ]);
  const long = 'the VLAN interface PARENT.VLANID must have a name of at most 15 characters';
  assert.deepEqual(rules('macvlan', { master: ['enp94s0f1np'], vlanID: 100 }), []);
  assert.deepEqual(rules('macvlan', { master: ['enp94s0f1np'], vlanID: 1000 }), [long]);
  const longBond = { master: ['a', 'b'], bond: { ...bond, name: 'bond-of-two1' }, vlanID: 100 };
  assert.deepEqual(rules('ipvlan', longBond), [long]);
  assert.deepEqual(rules('vlan', { ...longBond, vlanMode: 'manual' }), []);
  assert.deepEqual(rules('ipvlan', { master: ['a'], ippools: { matchMasterSubnet: true } }), [
    'ippools.matchMasterSubnet is supported for sriov only',
  ]);
  assert.deepEqual(rules('vlan', { master: ['a'], vlanMode: 'manual', vlanID: 5 }), []);
  assert.deepEqual(rules('vlan', { master: ['a'], vlanMode: 'auto', vlanID: 5 }), [
    'vlanID must be left out when vlanMode is auto',
  ]);
  assert.deepEqual(rules('ovs', { bridge: 'b', trunk: [{ minID: 1, maxID: 5 }, { id: 9 }] }), []);
  assert.equal(rules('ovs', { bridge: 'b', trunk: [{ minID: 5, maxID: 1 }, { minID: 2 }] }).length, 2);
  assert.deepEqual(rules('sriov', { resourceName: 'r', minTxRateMbps: 9, maxTxRateMbps: 0 }), []);
  assert.equal(rules('sriov', { resourceName: 'r', minTxRateMbps: 9, maxTxRateMbps: 8 }).length, 1);
});

test('a hostRuleTable that is a table of the kernel is refused', () => {
  for (const hostRuleTable of [252, 256, 500])
    assert.deepEqual(brokenRules('SpiderCoordinator', { hostRuleTable }), []);
  for (const hostRuleTable of [253, 254, 255]) {
    const [message] = brokenRules('SpiderCoordinator', { hostRuleTable });
    assert.match(message ?? '', /other than default, main and local/);
  }
});
