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

test('networks of the cluster follow', () => {
  const coordinator = cluster({ hijackCIDR: ['169.254.0.0/16'] }, { serviceCIDR: ['10.100.0.0/16'] });
  const { serviceCIDR, hijackCIDR, overlayPodCIDR } = presentOptions(recorded(), {}, coordinator);
  assert.deepEqual(serviceCIDR, ['10.100.0.0/16']);
  assert.deepEqual(hijackCIDR, ['169.254.0.0/16']);
  assert.deepEqual(overlayPodCIDR, ['10.244.0.0/16']);
});

test('what a NIC’s own configuration says stays', () => {
  const netConf = { serviceCIDR: ['10.97.0.0/16'] };
  const coordinator = cluster({}, { serviceCIDR: ['10.100.0.0/16'] });
  const before = recorded(netConf);
  assert.equal(presentOptions(before, netConf, coordinator), before);
});

test('mode, host rule table, MTU and the like are of the NIC’s ADD', () => {
  const coordinator = cluster({ mode: 'overlay', hostRuleTable: 700, vethMTU: 9000, podMACPrefix: '0a:1b' });
  const before = recorded();
  assert.equal(presentOptions(before, {}, coordinator), before);
});

test('while the SpiderCoordinator is gone or not synced, the old networks hold', () => {
  const before = recorded();
  assert.equal(presentOptions(before, {}, undefined), before);
  const syncing = cluster({}, { phase: 'NotReady', serviceCIDR: [] });
  assert.equal(presentOptions(before, {}, syncing), before);
});

test('a network that nobody can read is refused', () => {
  const coordinator = cluster({ hijackCIDR: ['10.96.0.0/40'] });
  assert.throws(
    () => presentOptions(recorded(), {}, coordinator),
    (error) => isOrbError(error, 'INPUT_INVALID'),
  );
});
