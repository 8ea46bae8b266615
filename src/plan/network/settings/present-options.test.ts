import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderCoordinator } from '#api';
import { isOrbError } from '#base';
import { presentOptions } from './present-options.ts';
import { type CoordinatorOptions, mergeOptions } from './settings.ts';

function cluster(spec: object, status: object = {}): SpiderCoordinator {
  return {
    metadata: { name: 'default' },
    spec,
    status: { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'], ...status },
  } as SpiderCoordinator;
}

function recorded(netConf: CoordinatorOptions = {}) {
  return mergeOptions({ netConf, podAnnotations: {}, coordinator: cluster({ mode: 'underlay' }) });
}

test('the current networks of the cluster are used', () => {
  const coordinator = cluster({ hijackCIDR: ['169.254.0.0/16'] }, { serviceCIDR: ['10.100.0.0/16'] });
  const { serviceCIDR, hijackCIDR, overlayPodCIDR } = presentOptions(recorded(), {}, coordinator);
  assert.deepEqual(serviceCIDR, ['10.100.0.0/16']);
  assert.deepEqual(hijackCIDR, ['169.254.0.0/16']);
  assert.deepEqual(overlayPodCIDR, ['10.244.0.0/16']);
});

test('options of a NIC’s own configuration stay', () => {
  const netConf = { serviceCIDR: ['10.97.0.0/16'] };
  const coordinator = cluster({}, { serviceCIDR: ['10.100.0.0/16'] });
  const before = recorded(netConf);
  assert.equal(presentOptions(before, netConf, coordinator), before);
});

test('mode, host rule table, MTU and similar options stay as at the NIC’s ADD', () => {
  const coordinator = cluster({ mode: 'overlay', hostRuleTable: 700, vethMTU: 9000, podMACPrefix: '0a:1b' });
  const before = recorded();
  assert.equal(presentOptions(before, {}, coordinator), before);
});

test('the old networks stay while the SpiderCoordinator is missing or not synced', () => {
  const before = recorded();
  assert.equal(presentOptions(before, {}, undefined), before);
  const syncing = cluster({}, { phase: 'NotReady', serviceCIDR: [] });
  assert.equal(presentOptions(before, {}, syncing), before);
});

test('a malformed network is refused', () => {
  const coordinator = cluster({ hijackCIDR: ['10.96.0.0/40'] });
  assert.throws(
    () => presentOptions(recorded(), {}, coordinator),
    (error) => isOrbError(error, 'INPUT_INVALID'),
  );
});
