import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../builtin/kinds.ts';
import type { ApiObject } from '../json.ts';
import type { Resource } from '../resource.ts';
import { asObject, fillDefaults } from './checks.ts';

const pods = builtInKinds().resources.find(({ kind }) => kind === 'Pod') as Resource;

test('null fields of a built-in kind are absent, in objects and in lists of objects', () => {
  const pod: ApiObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', creationTimestamp: null },
    spec: { nodeName: null, containers: [{ name: 'c', resources: { limits: null } }] },
  };
  fillDefaults(pods, pod);
  assert.deepEqual(pod, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', resources: {} }] },
  });
});

test('an object whose kind or version differs from its path is refused', () => {
  assert.throws(() => asObject(pods, { apiVersion: 'v1', kind: 'Node' }), /this path takes v1, Kind=Pod/);
  assert.throws(() => asObject(pods, { apiVersion: 'v2', kind: 'Pod' }), /v2/);
  assert.throws(() => asObject(pods, []), /must be an object/);
  assert.deepEqual(asObject(pods, {}), { apiVersion: 'v1', kind: 'Pod', metadata: {} });
});
