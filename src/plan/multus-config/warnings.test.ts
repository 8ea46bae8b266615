import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { configObject, macvlan } from './config-fixture.ts';
import { unknownFields, unknownFieldsText } from './unknown-fields.ts';
import { multusConfigWarnings } from './warnings.ts';

const warnings = (spec: object) => multusConfigWarnings(configObject(spec));

test('fields of a newer Spiderpool are named with their place', () => {
  const spec = {
    cniType: 'macvlan',
    macvlan: { master: ['eth0'], ippools: { ipv4: ['p'], order: 'random' }, later: {} },
    ipam: { enabled: true, mode: 'x' },
    coordinator: { policyRoutes: [{ dst: '10.0.0.0/8', gw: '10.6.0.1', metric: 5 }] },
    constructor: 1,
  };
  assert.deepEqual(unknownFields(resources.spiderMultusConfigs, spec), [
    'spec.macvlan.ippools.order',
    'spec.macvlan.later',
    'spec.ipam.mode',
    'spec.coordinator.policyRoutes[0].metric',
    'spec.constructor',
  ]);
  assert.deepEqual(warnings({ ...macvlan, ipam: { mode: 'x' } }), [
    'this version does not know spec.ipam.mode: stored, but without effect',
  ]);
  const coordinator = unknownFields(resources.spiderCoordinators, { ipamLogOptions: {}, mode: 'auto' });
  assert.deepEqual(coordinator, ['spec.ipamLogOptions']);
  assert.deepEqual(unknownFields(resources.spiderCoordinators, undefined), []);
});

test('a warning of many unknown fields stays short', () => {
  const fields = Array.from({ length: 12 }, (_, i) => `spec.f${i}`);
  assert.match(unknownFieldsText(fields) ?? '', /spec\.f9 and 2 more: stored, but without effect$/);
});

test('what a known option does not do is said', () => {
  assert.deepEqual(warnings({ ...macvlan, disableIPAM: true }), []);
  assert.deepEqual(warnings({ ...macvlan, disableIPAM: true, ipam: { enabled: true } }), [
    'spec.disableIPAM true has no effect, because spec.ipam.enabled is true',
  ]);
  const ibsriov = { resourceName: 'r', ippools: { matchMasterSubnet: true } };
  assert.deepEqual(warnings({ cniType: 'ib-sriov', ibsriov }), [
    'spec.ibsriov.ippools.matchMasterSubnet has no effect: only sriov has it',
  ]);
});

test('a custom configuration that Multus cannot use is said', () => {
  const custom = (customCNI: string) => warnings({ cniType: 'custom', customCNI });
  assert.deepEqual(custom('{"cniVersion":"0.3.1","type":"macvlan"}'), []);
  assert.deepEqual(custom('{"name":"x","plugins":[{"type":"macvlan"}]}'), []);
  assert.deepEqual(custom(''), []);
  assert.match(custom('{"cniVersion":"0.3.1"}').join(), /^Multus cannot use this configuration: .*type/);
});
