import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '#api';
import { deploymentController } from './deployment.ts';
import { LabCluster, now } from './plans-fixture.ts';

function deployment(image: string, more: object = {}): Deployment {
  const labels = { app: 'web' };
  return {
    metadata: { name: 'web' },
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
      ...more,
    },
  };
}

/** Lets every ReplicaSet have as many ready pods as it asks for. */
function settle(cluster: LabCluster): void {
  for (const set of cluster.state.replicaSets.list()) {
    const replicas = set.spec?.replicas ?? 0;
    cluster.put('replicaSets', {
      ...set,
      status: { replicas, readyReplicas: replicas, availableReplicas: replicas },
    });
  }
}

const plan = (cluster: LabCluster) => deploymentController.plan('default/web', cluster.state, now);

const sizes = (cluster: LabCluster) =>
  cluster.state.replicaSets
    .list()
    .map((set: ReplicaSet) => [set.spec?.template?.spec?.containers[0]?.image, set.spec?.replicas]);

function rolledOut(more: object = {}): LabCluster {
  const cluster = new LabCluster();
  cluster.put('deployments', deployment('a', more));
  cluster.perform(plan(cluster));
  settle(cluster);
  return cluster;
}

test('a new Deployment makes one ReplicaSet for all its pods, with the hash of the template as label', () => {
  const cluster = new LabCluster();
  cluster.put('deployments', deployment('a'));
  cluster.perform(plan(cluster));
  assert.deepEqual(sizes(cluster), [['a', 4]]);
  const [set] = cluster.state.replicaSets.list();
  const hash = set?.metadata.labels?.['pod-template-hash'];
  assert.equal(set?.metadata.name, `web-${hash}`);
  assert.equal(set?.spec?.selector.matchLabels?.['pod-template-hash'], hash);
  assert.equal(set?.spec?.template?.metadata?.labels?.['pod-template-hash'], hash);
});

test('a rollout stays within maxSurge and maxUnavailable at every step', () => {
  const cluster = rolledOut();
  cluster.put('deployments', deployment('b'));
  const steps: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    cluster.perform(plan(cluster));
    steps.push(Object.fromEntries(sizes(cluster)));
    settle(cluster);
  }
  assert.deepEqual(steps, [
    { a: 3, b: 1 },
    { a: 2, b: 2 },
    { a: 1, b: 3 },
    { a: 0, b: 4 },
  ]);
});

test('old pods stay while the new ones are not available', () => {
  const cluster = rolledOut();
  cluster.put('deployments', deployment('b'));
  cluster.perform(plan(cluster));
  cluster.perform(plan(cluster));
  cluster.perform(plan(cluster));
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 3, b: 2 });
});

test('two old ReplicaSets together leave enough serving pods', () => {
  const cluster = rolledOut();
  cluster.put('deployments', deployment('b'));
  for (let i = 0; i < 2; i++) {
    cluster.perform(plan(cluster));
    settle(cluster);
  }
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 2, b: 2 });
  cluster.put('deployments', deployment('c'));
  cluster.perform(plan(cluster));
  const serving = sizes(cluster).map(([image, replicas]) => (image === 'c' ? 0 : Number(replicas)));
  assert.equal(
    serving.reduce((sum, count) => sum + count, 0),
    3,
    'maxUnavailable is one of four',
  );
});

test('pods that never became ready are removed before pods that serve, whatever the age of their ReplicaSet', () => {
  const cluster = rolledOut();
  cluster.put('deployments', deployment('b'));
  for (let i = 0; i < 3; i++) cluster.perform(plan(cluster));
  const [a] = cluster.state.replicaSets.list();
  assert.ok(a !== undefined);
  cluster.put('replicaSets', { ...a, status: { replicas: 3, readyReplicas: 3, availableReplicas: 3 } });
  cluster.put('deployments', deployment('c'));
  cluster.perform(plan(cluster));
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 3, b: 0, c: 0 });
});

test('Recreate removes all old pods before it makes new ones', () => {
  const strategy = { strategy: { type: 'Recreate' } };
  const cluster = rolledOut(strategy);
  cluster.put('deployments', deployment('b', strategy));
  cluster.perform(plan(cluster));
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 0, b: 0 });
  settle(cluster);
  cluster.perform(plan(cluster));
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 0, b: 4 });
});

test("a rollback uses the old template's ReplicaSet again, as the newest revision", () => {
  const cluster = rolledOut();
  for (const image of ['b', 'a']) {
    cluster.put('deployments', deployment(image));
    for (let i = 0; i < 6; i++) {
      cluster.perform(plan(cluster).filter(({ type }) => type.plural === 'replicasets'));
      settle(cluster);
    }
  }
  assert.deepEqual(Object.fromEntries(sizes(cluster)), { a: 4, b: 0 });
  const revision = (image: string) =>
    cluster.state.replicaSets.list().find((set) => set.spec?.template?.spec?.containers[0]?.image === image)
      ?.metadata.annotations?.['deployment.kubernetes.io/revision'];
  assert.deepEqual([revision('a'), revision('b')], ['3', '2']);
});

test('the status has what kubectl rollout status waits for, and nothing is written twice', () => {
  const cluster = rolledOut();
  for (let i = 0; i < 2; i++) cluster.perform(plan(cluster));
  const status = cluster.state.deployments.get('web', 'default')?.status;
  assert.equal(status?.observedGeneration, 1);
  assert.equal(status.updatedReplicas, 4);
  assert.equal(status.availableReplicas, 4);
  assert.equal(status.unavailableReplicas, 0);
  assert.deepEqual(
    status.conditions?.map((one) => [one.type, one.status, one.reason]),
    [
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ],
  );
  assert.deepEqual(plan(cluster), []);
});
