// Every upstream case of a refused or admitted SpiderMultusConfig, with its field and text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMultusConfig, multusConfigIssues } from './admission.ts';
import {
  completedCoordinator,
  configObject,
  macvlan,
  parented,
  refusals,
  refusalsOf,
} from './config-fixture.ts';

test('an empty spec is admitted as a custom network without coordinator', () => {
  assert.deepEqual(refusals(undefined), []);
  assert.deepEqual(refusals({}), []);
  assert.deepEqual(defaultMultusConfig(configObject(undefined)).spec, {
    cniType: 'custom',
    enableCoordinator: false,
  });
  const custom = configObject({ cniType: 'custom', coordinator: { mode: 'overlay' }, customCNI: '{}' });
  assert.equal(defaultMultusConfig(custom).spec?.coordinator, undefined);
  assert.equal(defaultMultusConfig(custom).spec?.enableCoordinator, false);
});

test('a coordinator block is stored as it is written', () => {
  const config = configObject({ ...macvlan, coordinator: { vethMTU: 9000 } });
  assert.deepEqual(defaultMultusConfig(config).spec?.coordinator, { vethMTU: 9000 });
  assert.equal(defaultMultusConfig(configObject(macvlan)).spec?.coordinator, undefined);
});

test('a custom configuration that is no JSON is refused', () => {
  const [text = ''] = refusals({ cniType: 'custom', customCNI: '{ "cniVersion": ' });
  assert.match(text, /^spec\.customCNI: customCniConfig isn't a valid JSON encoding: /);
  assert.deepEqual(refusals({ cniType: 'custom', customCNI: '{"cniVersion":"0.3.1"}' }), []);
});

test('a cniType without its configuration, or with that of another type, is refused', () => {
  assert.deepEqual(refusals({ cniType: 'ib-sriov' }), ['spec.ibsriov: no spec.ibsriov specified']);
  assert.deepEqual(refusals({ cniType: 'macvlan', ipvlan: { master: ['eth0'] } }), [
    'spec.macvlan: no spec.macvlan specified',
  ]);
  assert.deepEqual(refusals({ ...macvlan, ipvlan: { master: ['eth0'] } }), [
    'spec.cniType: the cniType macvlan only supports spec.macvlan, please remove other CNI configs',
  ]);
  assert.deepEqual(refusals({ cniType: 'custom', sriov: { resourceName: 'r' } }), [
    'spec.cniType: the cniType custom only supports spec.customCNI, please remove other CNI configs',
  ]);
  assert.equal(refusals({ ...macvlan, customCNI: '' }).length, 1);
});

test('a VLAN outside 0 to 4094 is refused', () => {
  for (const cniType of ['macvlan', 'ipvlan', 'vlan']) {
    assert.deepEqual(refusals(parented(cniType, { vlanID: 4095 })), [
      `spec.${cniType}.vlanID: must be at most 4094`,
    ]);
    assert.deepEqual(refusals(parented(cniType, { vlanID: -1 })), [
      `spec.${cniType}.vlanID: must be at least 0`,
    ]);
    for (const vlanID of [0, 4094]) assert.deepEqual(refusals(parented(cniType, { vlanID })), []);
  }
  assert.equal(refusals({ cniType: 'sriov', sriov: { resourceName: 'r', vlanID: 4095 } }).length, 1);
  assert.equal(refusals({ cniType: 'ovs', ovs: { bridge: 'b', vlan: 4095 } }).length, 1);
});

test('vlanMode auto with a vlanID is refused, because the provider chooses the VLAN', () => {
  assert.deepEqual(refusals(parented('vlan', { vlanMode: 'auto', vlanID: 100 })), [
    'spec.vlan.vlanID: vlanId must not be specified when vlanMode is auto',
  ]);
  assert.deepEqual(refusals(parented('vlan', { vlanMode: 'auto' })), []);
  assert.deepEqual(refusals(parented('vlan', {})), []);
});

test('vlanMode auto without addresses is refused, because the provider chooses the VLAN with the address', () => {
  const auto = parented('vlan', { vlanMode: 'auto' });
  const why = 'no VLAN is chosen without an address: leave IPAM on when vlanMode is auto';
  assert.deepEqual(refusals({ ...auto, disableIPAM: true }), [`spec.disableIPAM: ${why}`]);
  assert.deepEqual(refusals({ ...auto, ipam: { enabled: false } }), [`spec.ipam.enabled: ${why}`]);
  assert.deepEqual(refusals({ ...auto, disableIPAM: true, ipam: { enabled: true } }), []);
  assert.deepEqual(refusals({ ...parented('vlan', { vlanID: 5 }), disableIPAM: true }), []);
  const config = configObject({ ...auto, ipam: { enabled: false } });
  const [issue] = multusConfigIssues(config, { multusConfigs: () => [], definitions: () => [] });
  assert.equal(issue?.value, false);
});

test('vlanMode auto with a podMACPrefix is refused, because the provider chooses the MAC address', () => {
  const coordinator = { podMACPrefix: '0a:1b' };
  const auto = parented('vlan', { vlanMode: 'auto' });
  assert.deepEqual(refusals({ ...auto, coordinator }), [
    'spec.coordinator.podMACPrefix: must be empty when vlanMode is auto: the network accepts only the MAC address of its provider',
  ]);
  assert.deepEqual(refusals({ ...auto, coordinator, enableCoordinator: false }), []);
  assert.deepEqual(refusals({ ...auto, coordinator: completedCoordinator }), []);
  assert.deepEqual(refusals({ ...parented('vlan', { vlanID: 5 }), coordinator }), []);
});

test('a negative MTU is refused', () => {
  for (const cniType of ['macvlan', 'ipvlan', 'vlan'])
    assert.deepEqual(refusals(parented(cniType, { mtu: -1 })), [`spec.${cniType}.mtu: must be at least 0`]);
  assert.deepEqual(refusals({ cniType: 'sriov', sriov: { resourceName: 'r', mtu: -1 } }), [
    'spec.sriov.mtu: must be at least 0',
  ]);
});

test('several parents need a bond that has a name and options that the kernel knows', () => {
  const bond = { name: 'bond0', mode: 1 };
  const several = (part: object) => refusals(parented('macvlan', { master: ['a', 'b'], ...part }));
  assert.deepEqual(several({}), ['spec.macvlan.bond: the bond property is nil with multiple Interfaces']);
  assert.deepEqual(several({ bond: { ...bond, name: '' } }), [
    'spec.macvlan.bond.name: must be at least 1 characters long',
  ]);
  assert.match(several({ bond: { ...bond, options: 'colour=blue' } }).join(), /^spec\.macvlan: .*colour/);
  assert.deepEqual(several({ bond }), []);
  assert.deepEqual(refusals(parented('macvlan', { master: [] })), [
    'spec.macvlan.master: must be at least 1 entries long',
  ]);
});

test('a VLAN interface whose name would be too long is refused', () => {
  const [text = ''] = refusals(parented('macvlan', { master: ['enp94s0f1np1x'], vlanID: 100 }));
  assert.match(text, /^spec\.macvlan: VLAN interface enp94s0f1np1x\.100 would have a name of 17 characters/);
  assert.deepEqual(refusals(parented('vlan', { master: ['enp94s0f1np1x'], vlanID: 100 })), []);
});

test('matchMasterSubnet is refused for types on a parent interface', () => {
  for (const cniType of ['macvlan', 'ipvlan', 'vlan']) {
    assert.deepEqual(refusals(parented(cniType, { ippools: { matchMasterSubnet: true } })), [
      `spec.${cniType}.ippools.matchMasterSubnet: MatchMasterSubnet feature is not supported for ${cniType}`,
    ]);
  }
  const sriov = { resourceName: 'r', ippools: { matchMasterSubnet: true } };
  assert.deepEqual(refusals({ cniType: 'sriov', sriov }), []);
});

test('sriov needs a resource, and rates that fit together', () => {
  const sriov = (part: object) => refusals({ cniType: 'sriov', sriov: { resourceName: 'r', ...part } });
  assert.deepEqual(sriov({ resourceName: '' }), [
    'spec.sriov.resourceName: must be at least 1 characters long',
  ]);
  assert.deepEqual(sriov({ minTxRateMbps: 9, maxTxRateMbps: 8 }), [
    'spec.sriov.minTxRateMbps: minTxRateMbps must be less than maxTxRateMbps',
  ]);
  assert.deepEqual(sriov({ minTxRateMbps: 9 }), []);
  assert.deepEqual(refusals({ cniType: 'ipoib', ipoib: { master: '' } }), [
    'spec.ipoib.master: must be at least 1 characters long',
  ]);
});

test('trunks of ovs have both ends, in order and within 4094', () => {
  const trunk = (...entries: object[]) => refusals({ cniType: 'ovs', ovs: { bridge: 'b', trunk: entries } });
  assert.deepEqual(trunk({ minID: 1, maxID: 5 }, { id: 9 }), []);
  assert.deepEqual(trunk({ id: 9 }, { minID: 5, maxID: 1 }), [
    'spec.ovs.trunk[1]: minID is greater than maxID in trunk parameter',
  ]);
  assert.deepEqual(trunk({ maxID: 5 }), ['spec.ovs.trunk[0]: minID and maxID are required together']);
  assert.deepEqual(trunk({ id: 4095 }), ['spec.ovs.trunk[0].id: must be at most 4094']);
});

test('a plugin of the chain that is no JSON, no object or has no type is refused', () => {
  const chain = (...chainCNIJsonData: string[]) => refusals({ ...macvlan, chainCNIJsonData });
  const good = '{"type":"tuning","sysctl":{"net.core.somaxconn":"4096"}}';
  assert.deepEqual(chain(good), []);
  for (const bad of ['{ "invalid" }', '{"sysctl":{}}', `[${good}]`, '"tuning"', '{"type":""}']) {
    const [text = '', ...more] = chain(good, bad);
    assert.deepEqual(more, []);
    assert.ok(text.startsWith(`spec.chainCNIJsonData[1]: invalid ${bad}: `), text);
  }
});

test('wrong settings of the coordinator are refused with their place in the block', () => {
  const block = (coordinator: object) => refusals({ ...macvlan, coordinator });
  const fields = (coordinator: object) => block(coordinator).map((text) => text.split(': ')[0]);
  assert.deepEqual(fields({ podMACPrefix: '01:10' }), ['spec.coordinator.podMACPrefix']);
  assert.deepEqual(block({ podRPFilter: 3 }), ['spec.coordinator.podRPFilter: must be at most 2']);
  assert.deepEqual(fields({ vethMTU: 0 }), ['spec.coordinator.vethMTU']);
  assert.deepEqual(fields({ txQueueLen: -1 }), ['spec.coordinator.txQueueLen']);
  assert.deepEqual(fields({ podDefaultRouteNIC: 'a/b' }), ['spec.coordinator.podDefaultRouteNIC']);
  assert.deepEqual(fields({ hijackCIDR: ['10.0.0.0/33'] }), ['spec.coordinator.hijackCIDR[0]']);
  assert.deepEqual(fields({ vethLinkAddress: '999.1.1.1' }), ['spec.coordinator.vethLinkAddress']);
  const policyRoutes = [{ dst: '10.0.0.0/8', gw: 'fd00::1' }];
  assert.deepEqual(fields({ policyRoutes }), ['spec.coordinator.policyRoutes[0]']);
  assert.deepEqual(fields({ logOptions: { logLevel: 'loud' } }), ['spec.coordinator.logOptions.logLevel']);
  assert.deepEqual(block({ podMACPrefix: '0a:1b', podRPFilter: -1, logOptions: { logLevel: 'WARN' } }), []);
});

test('an object that is being deleted is not checked, so its finalizers can be removed', () => {
  const config = configObject({ cniType: 'macvlan' }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  assert.equal(defaultMultusConfig(config), config);
  assert.deepEqual(refusalsOf(config), []);
});
