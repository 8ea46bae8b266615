import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, OwnerReference, Pod } from '#api';
import { isOrphan, isThirdParty } from './application.ts';
import { applicationKey, type OwnerLookup, topController } from './index.ts';

const owner = (apiVersion: string, kind: string, name: string, uid: string): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
});

function pod(...ownerReferences: OwnerReference[]): Pod {
  return { metadata: { name: 'p', namespace: 'ns', uid: 'pod-uid', ownerReferences } };
}

const replicaSet: KubeObject = {
  metadata: { name: 'web-6f', uid: 'rs', ownerReferences: [owner('apps/v1', 'Deployment', 'web', 'dep')] },
};
const job: KubeObject = {
  metadata: { name: 'tidy-1', uid: 'job', ownerReferences: [owner('batch/v1', 'CronJob', 'tidy', 'cron')] },
};
const lookup: OwnerLookup = (kind, namespace, name) =>
  namespace === 'ns'
    ? [replicaSet, job].find((one) => kind !== undefined && one.metadata.name === name)
    : undefined;

const who = (of: Pod, find: OwnerLookup = lookup) => {
  const application = topController(of, find);
  return application === undefined ? undefined : [applicationKey(application), application.uid];
};

test('the application of a pod is the topmost workload', () => {
  assert.deepEqual(who(pod(owner('apps/v1', 'ReplicaSet', 'web-6f', 'rs'))), [
    'apps_v1_Deployment_ns_web',
    'dep',
  ]);
  assert.deepEqual(who(pod(owner('batch/v1', 'Job', 'tidy-1', 'job'))), ['batch_v1_CronJob_ns_tidy', 'cron']);
  assert.deepEqual(who(pod(owner('apps/v1', 'StatefulSet', 'db', 'sts'))), [
    'apps_v1_StatefulSet_ns_db',
    'sts',
  ]);
  assert.deepEqual(who(pod(owner('apps/v1', 'DaemonSet', 'log', 'ds'))), ['apps_v1_DaemonSet_ns_log', 'ds']);
});

test('a ReplicaSet or a Job that nothing known controls is the application itself', () => {
  const alone: OwnerLookup = () => ({ metadata: { name: 'x', uid: 'rs' } });
  const foreign: OwnerLookup = () => ({
    metadata: { name: 'x', uid: 'rs', ownerReferences: [owner('argoproj.io/v1', 'Rollout', 'r', 'ro')] },
  });
  const of = pod(owner('apps/v1', 'ReplicaSet', 'x', 'rs'));
  assert.deepEqual(who(of, alone), ['apps_v1_ReplicaSet_ns_x', 'rs']);
  assert.deepEqual(who(of, foreign), ['apps_v1_ReplicaSet_ns_x', 'rs']);
});

test('a controller of a third party is the application, also if it has the name of a known kind', () => {
  const kruise = owner('apps.kruise.io/v1beta1', 'StatefulSet', 'db', 'k');
  assert.deepEqual(who(pod(kruise)), ['apps.kruise.io_v1beta1_StatefulSet_ns_db', 'k']);
  assert.equal(isThirdParty(kruise), true);
  assert.equal(isThirdParty({ apiVersion: 'v1', kind: 'ReplicationController' }), true);
  assert.equal(isThirdParty({ apiVersion: 'apps/v1', kind: 'Deployment' }), false);
});

test('a pod without controller is its own application, whatever else owns it', () => {
  const { controller: _, ...reference } = owner('v1', 'ConfigMap', 'c', 'c');
  const application = topController(pod(reference), lookup);
  assert.ok(application);
  assert.equal(applicationKey(application), 'v1_Pod_ns_p');
  assert.deepEqual([isOrphan(application), isThirdParty(application)], [true, false]);
});

test('the application is not known while the ReplicaSet is missing, or another one has its name', () => {
  assert.equal(who(pod(owner('apps/v1', 'ReplicaSet', 'other', 'rs'))), undefined);
  assert.equal(who(pod(owner('apps/v1', 'ReplicaSet', 'web-6f', 'older'))), undefined);
});
