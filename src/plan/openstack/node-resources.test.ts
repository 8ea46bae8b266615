import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import { ADDRESS_RESOURCE, addressAmount, resourcePatch } from './node-resources.ts';

const asking = (uid: string, ...amounts: readonly number[]): Pod =>
  ({
    metadata: { name: uid, uid },
    spec: {
      containers: amounts.map((amount, i) => ({
        name: `c${i}`,
        resources: { limits: { [ADDRESS_RESOURCE]: String(amount) } },
      })),
    },
  }) as Pod;
const supply = { ready: 0, more: 0, holders: new Set(['a', 'b', 'c']) };
const node = { status: { capacity: { pods: '30' } } };

test('where nobody knows how many more there are, a node has as many as it may have pods', () => {
  assert.equal(addressAmount({ ...supply, more: undefined }, node, [asking('a', 1)]), 30);
  assert.equal(addressAmount({ ...supply, more: undefined }, {}, []), 110);
});

test('a node has what the next pods can have, and what its pods requested that have theirs', () => {
  const pods = [asking('a', 1), asking('b', 1, 1), asking('new', 1), { metadata: { name: 'c', uid: 'c' } }];
  assert.equal(addressAmount({ ...supply, ready: 2 }, node, pods), 5, '4 are requested, 1 is left');
  assert.equal(addressAmount({ ...supply, ready: 2 }, node, []), 2);
  assert.equal(addressAmount({ ...supply, ready: 2, more: 1 }, node, pods), 6);
});

test('a node never has less than its pods request, also if one waits', () => {
  const pods = [asking('a', 1), asking('new', 1)];
  assert.equal(addressAmount(supply, node, pods), 2, 'nothing is left');
  const leaves = {
    ...asking('old', 1),
    metadata: { name: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' },
  };
  assert.equal(addressAmount(supply, node, [...pods, leaves]), 2);
});

test('a pod that runs without an address of ours counts what it requested, until it is deleted', () => {
  const runs = { ...asking('d', 1), status: { phase: 'Running' } } as Pod;
  assert.equal(addressAmount({ ...supply, ready: 2 }, node, [runs]), 3);
  const leaves = { ...runs, metadata: { ...runs.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  assert.equal(addressAmount({ ...supply, ready: 2 }, node, [leaves]), 2);
});

test('a pod that has ended, and one with an amount that is no number, count nothing', () => {
  const ended = { ...asking('a', 1), status: { phase: 'Succeeded' } } as Pod;
  assert.equal(addressAmount(supply, node, [ended, asking('b', Number.NaN)]), 0);
  const first = { ...asking('c', 1) };
  const init = { ...first, spec: { ...first.spec, initContainers: asking('c', 4).spec?.containers } } as Pod;
  assert.equal(addressAmount(supply, node, [init]), 4);
});

test('only our resources are changed, and only where they differ', () => {
  const status = {
    capacity: {
      cpu: '4',
      'example.com/own': '3',
      [ADDRESS_RESOURCE]: '5',
      'openstack.orbweaver.io/old': '1',
    },
    allocatable: { cpu: '3', [ADDRESS_RESOURCE]: '5', 'openstack.orbweaver.io/old': '1' },
  };
  assert.deepEqual(resourcePatch({ status }, new Map([[ADDRESS_RESOURCE, 5]])), {
    status: {
      capacity: { 'openstack.orbweaver.io/old': null },
      allocatable: { 'openstack.orbweaver.io/old': null },
    },
  });
  const clean = { capacity: { [ADDRESS_RESOURCE]: '5' }, allocatable: { cpu: '3' } };
  assert.deepEqual(resourcePatch({ status: clean }, new Map([[ADDRESS_RESOURCE, 5]])), {
    status: { allocatable: { [ADDRESS_RESOURCE]: '5' } },
  });
  assert.equal(
    resourcePatch({ status: clean }, new Map([[ADDRESS_RESOURCE, 'unknown' as const]])),
    undefined,
  );
  assert.equal(resourcePatch({}, new Map()), undefined);
  assert.deepEqual(resourcePatch({ status: clean }, new Map()), {
    status: { capacity: { [ADDRESS_RESOURCE]: null } },
  });
});
