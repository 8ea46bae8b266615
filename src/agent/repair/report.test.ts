import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import type { PodState } from './pod-repair.ts';
import { RepairReport } from './report.ts';

function state(more: Partial<PodState> = {}): PodState {
  return {
    containerId: 'c1',
    pod: { namespace: 'default', name: 'a', uid: 'uid-a' },
    interfaces: ['eth0'],
    changes: [],
    attached: true,
    damage: [],
    differences: [],
    lost: [],
    repairable: true,
    ...more,
  };
}

function scene() {
  const counted: string[] = [];
  const events: string[] = [];
  const report = new RepairReport({
    metrics: {
      compared: () => {},
      repaired: (scope, reason, result) => counted.push(`${scope} ${reason} ${result}`),
      drifted: (scope, objects) => counted.push(`${scope} ${objects} objects`),
    },
    events: {
      record: (_type, object, { type, reason, message }) =>
        events.push(`${object.metadata.name} ${type} ${reason} ${message}`),
    },
    log: silentLogger,
  });
  return { report, counted, events };
}

const rule = 'rule 1000 is missing';
const damaged = { damage: [rule], differences: [rule] };

test('damage is counted, and an Event on the pod names the objects', () => {
  const { report, counted, events } = scene();
  report.pod(state(damaged), 'event');
  assert.deepEqual(counted, ['pod 1 objects', 'pod drift repaired']);
  assert.deepEqual(events, [`a Normal NetworkRepaired repaired: ${rule}`]);
});

test('repairs after new settings or node addresses are counted, and no Event reports them', () => {
  const { report, counted, events } = scene();
  report.pod(state({ changes: ['settings', 'node_addresses'], differences: ['route x is missing'] }), 'plan');
  assert.deepEqual(counted, ['pod settings repaired', 'pod node_addresses repaired']);
  assert.deepEqual(events, []);
});

test('damage that is found together with new settings is reported, without the settings', () => {
  const { report, counted, events } = scene();
  report.pod(state({ changes: ['settings'], damage: [rule], differences: [rule, 'route x'] }), 'plan');
  assert.deepEqual(counted, ['pod 1 objects', 'pod settings repaired', 'pod drift repaired']);
  assert.deepEqual(events, [`a Normal NetworkRepaired repaired: ${rule}`]);
});

test('damage that a start finds has its own reason, and an interrupted ADD is not damage', () => {
  const { report, counted, events } = scene();
  report.pod(state(damaged), 'start');
  report.pod(state({ ...damaged, attached: false }), 'start');
  assert.deepEqual(
    counted.filter((line) => line.endsWith('repaired')),
    ['pod start repaired', 'pod unfinished repaired'],
  );
  assert.equal(events.length, 1);
});

test('a lost NIC is reported once, and again when another NIC is lost', () => {
  const { report, counted, events } = scene();
  const lost = (text: string) => state({ lost: [text] });
  for (let i = 0; i < 5; i++) report.pod(lost('interface eth0 is missing'), 'sweep');
  report.pod(lost('interface net1 is missing'), 'sweep');
  assert.deepEqual(events, [
    'a Warning NetworkBroken cannot be repaired: interface eth0 is missing',
    'a Warning NetworkBroken cannot be repaired: interface net1 is missing',
  ]);
  assert.deepEqual(counted, ['pod drift beyond_repair', 'pod drift beyond_repair']);
  report.pod(state(), 'event');
  report.pod(lost('interface net1 is missing'), 'event');
  assert.equal(events.length, 3, 'after it was well');
});

test('the log claims no repair when nothing may be changed', () => {
  const { report, counted, events } = scene();
  report.pod(state({ ...damaged, lost: ['veth0 is somebody else’s'], repairable: false }), 'event');
  assert.deepEqual(counted, ['pod 1 objects', 'pod drift beyond_repair']);
  assert.equal(events.length, 1);
  assert.match(events[0] ?? '', /NetworkBroken/);
});

test('a message is short enough for an Event', () => {
  const { report, events } = scene();
  const many = Array.from({ length: 200 }, (_, i) => `route ${i} is missing`);
  report.pod(state({ damage: many, differences: many }), 'event');
  assert.ok((events[0] ?? '').length < 1100);
});
