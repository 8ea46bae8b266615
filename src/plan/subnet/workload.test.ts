import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, Job } from '#api';
import { workloadOf } from './workload.ts';

const metadata = { name: 'w', namespace: 'ns', uid: 'u' };
const selector = {};
const template = { metadata: { annotations: { a: 'b' } } };
const pods = (spec: Job['spec']) => workloadOf('Job', { metadata, spec })?.replicas;

test('each kind says in its own way how many pods it wants', () => {
  const replicated = { metadata, spec: { selector, template, replicas: 3 } };
  assert.equal(workloadOf('Deployment', replicated)?.replicas, 3);
  assert.equal(workloadOf('ReplicaSet', replicated)?.replicas, 3);
  assert.equal(workloadOf('StatefulSet', replicated)?.replicas, 3);
  assert.equal(workloadOf('Deployment', { metadata, spec: { selector, template } })?.replicas, 1);
  const daemonSet = { metadata, spec: { selector, template } };
  assert.equal(workloadOf('DaemonSet', { ...daemonSet, status: { desiredNumberScheduled: 5 } })?.replicas, 5);
  assert.equal(workloadOf('DaemonSet', daemonSet)?.replicas, 0);
  const cronJob = { metadata, spec: { schedule: '', jobTemplate: { spec: { template, parallelism: 4 } } } };
  assert.equal(workloadOf('CronJob', cronJob)?.replicas, 4);
  assert.deepEqual(workloadOf('CronJob', cronJob)?.annotations, { a: 'b' });
});

test('a Job wants its completions, or its parallelism if it has none, and at least one pod', () => {
  assert.deepEqual([pods({ completions: 6, parallelism: 2 }), pods({ parallelism: 2 })], [6, 2]);
  assert.deepEqual([pods({}), pods({ completions: 0, parallelism: 2 }), pods({ parallelism: 0 })], [1, 1, 1]);
});

test('a workload whose pods use the network of the node has no pools', () => {
  const deployment: Deployment = {
    metadata,
    spec: { selector, template: { ...template, spec: { hostNetwork: true, containers: [] } } },
  };
  assert.equal(workloadOf('Deployment', deployment), undefined);
});

test('a ReplicaSet of a Deployment and a Job of a CronJob have no pools of their own', () => {
  const controlled = (apiVersion: string, kind: string) => ({
    metadata: { ...metadata, ownerReferences: [{ apiVersion, kind, name: 'o', uid: 'o', controller: true }] },
    spec: { selector, template },
  });
  assert.equal(workloadOf('ReplicaSet', controlled('apps/v1', 'Deployment')), undefined);
  assert.equal(workloadOf('Job', controlled('batch/v1', 'CronJob')), undefined);
  assert.ok(workloadOf('ReplicaSet', controlled('argoproj.io/v1', 'Rollout')));
  assert.ok(workloadOf('Deployment', controlled('example.com/v1', 'App')));
});
