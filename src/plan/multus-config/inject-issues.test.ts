import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMultusConfig } from './admission.ts';
import { configObject, macvlan, parented, refusals } from './config-fixture.ts';

const RDMA = 'cni.spidernet.io/rdma-resource-inject';
const NETWORK = 'cni.spidernet.io/network-resource-inject';

test('rdma-inject needs an RDMA resource and pools', () => {
  const group = { [RDMA]: 'group' };
  const whose = 'for spidermultusconfig apps/net';
  const ippools = { ipv4: ['p'] };
  assert.deepEqual(refusals(parented('macvlan', { rdmaResourceName: 'r', ippools }), group), []);
  assert.deepEqual(refusals(parented('macvlan', { ippools }), group), [
    `spec.macvlan.rdmaResourceName: rdmaResourceName can not empty ${whose}`,
  ]);
  assert.deepEqual(refusals(parented('ipvlan', { rdmaResourceName: 'r' }), group), [
    `spec.ipvlan.ippools: no any ippools configured ${whose}`,
  ]);
  assert.deepEqual(refusals({ cniType: 'ib-sriov', ibsriov: { resourceName: 'r' } }, group), [
    `spec.ibsriov.ippools: no any ippools configured ${whose}`,
  ]);
});

test('injection is refused for ovs and custom', () => {
  const text = (cniType: string) =>
    `spec.cniType: the cniType ${cniType} does not support RDMA resource or network resource injected`;
  for (const annotation of [RDMA, NETWORK]) {
    const ovs = { cniType: 'ovs', ovs: { bridge: 'b', ippools: { ipv4: ['p'] } } };
    assert.deepEqual(refusals(ovs, { [annotation]: 'g' }), [text('ovs')]);
    assert.deepEqual(refusals({ cniType: 'custom' }, { [annotation]: 'g' }), [text('custom')]);
  }
});

test('network-inject needs pools only where there is a resource', () => {
  const group = { [NETWORK]: 'group' };
  const ippools = { ipv6: ['p'] };
  assert.deepEqual(refusals({ cniType: 'sriov', sriov: { resourceName: 'r', ippools } }, group), []);
  assert.deepEqual(refusals({ cniType: 'sriov', sriov: { resourceName: 'r' } }, group), [
    'spec.sriov.ippools: no any ippools configured for spidermultusconfig apps/net',
  ]);
  assert.deepEqual(refusals(macvlan, group), []);
});

test('the group of an injection is mirrored in a label, and leaves with its annotation', () => {
  const ippools = { ipv4: ['p'] };
  const spec = parented('macvlan', { rdmaResourceName: 'r', ippools });
  const grouped = configObject(spec, { annotations: { [RDMA]: 'g', [NETWORK]: 'n' }, labels: { a: '1' } });
  const stored = defaultMultusConfig(grouped);
  assert.deepEqual(stored.metadata.labels, { a: '1', [RDMA]: 'g', [NETWORK]: 'n' });
  const { [RDMA]: _, ...annotations } = stored.metadata.annotations ?? {};
  const without = { ...stored, metadata: { ...stored.metadata, annotations } };
  assert.deepEqual(defaultMultusConfig(without, stored).metadata.labels, { a: '1', [NETWORK]: 'n' });
  const own = { ...without, metadata: { ...without.metadata, labels: { [RDMA]: 'mine' } } };
  assert.equal(defaultMultusConfig(own, stored).metadata.labels?.[RDMA], 'mine');
  const [text = ''] = refusals(spec, { [RDMA]: 'not a label' });
  assert.match(text, /rdma-resource-inject\]: must be the value of a label/);
});
