import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeReport, PodReport } from '#api';
import { checkOutcome } from './report-text.ts';

const pod = (name: string, more: Partial<PodReport> = {}): PodReport => ({
  namespace: 'default',
  name,
  containerId: '0123456789abcdef',
  interfaces: ['eth0'],
  drift: [],
  lost: [],
  repaired: false,
  ...more,
});
const report = (pods: readonly PodReport[], node: Partial<NodeReport['node']> = {}): NodeReport => ({
  node: { name: 'node1', drift: [], repaired: false, ...node },
  pods: [...pods],
});
const rule = 'rule 1000: from all fwmark 0x1 lookup 100 is missing';

test('a report without drift is one line, whatever the number of pods', () => {
  const many = Array.from({ length: 250 }, (_, i) => pod(`p${i}`));
  assert.deepEqual(checkOutcome(report(many)), {
    text: 'node1: no drift (the node and 250 pods)',
    wrong: false,
  });
});

test('drift is listed below its pod or below the node', () => {
  const { text, wrong } = checkOutcome(
    report([pod('a', { drift: [rule] }), pod('b')], { drift: ['x is 1, not 0'] }),
  );
  assert.equal(wrong, true);
  assert.deepEqual(text.split('\n'), [
    'default/a (eth0; container 0123456789ab)',
    `  ${rule}`,
    'node node1',
    '  x is 1, not 0',
    'node1: of the node and 2 pods, 2 with drift, which "orbctl check --repair" repairs',
  ]);
});

test('a repaired object is listed, and is not counted as drift', () => {
  const { text, wrong } = checkOutcome(report([pod('a', { drift: [rule], repaired: true })]));
  assert.equal(wrong, false);
  assert.match(text, /^ {2}repaired: rule 1000/m);
  assert.match(text, /of the node and 1 pod, 1 repaired$/);
});

test('an object of another program stays listed as wrong, also after a repair', () => {
  const lost = ['interface eth0 is missing'];
  const { text, wrong } = checkOutcome(report([pod('a', { drift: [rule], repaired: true, lost })]));
  assert.equal(wrong, true);
  assert.match(text, /cannot be repaired: interface eth0 is missing/);
  assert.match(text, /1 with drift that cannot be repaired$/);
});

test('a pod that could not be compared is listed as wrong', () => {
  const { text, wrong } = checkOutcome(
    report([pod('a', { error: 'another request for this pod is still running' })]),
  );
  assert.equal(wrong, true);
  assert.match(text, /failed: another request for this pod/);
});
