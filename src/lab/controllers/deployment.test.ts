import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '#api';
import { deploymentController } from './deployment.ts';
import { now, TestWorld } from './testing.ts';

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
function settle(world: TestWorld): void {
  for (const set of world.world.replicaSets.list()) {
    const replicas = set.spec?.replicas ?? 0;
    world.put('replicaSets', {
      ...set,
      status: { replicas, readyReplicas: replicas, availableReplicas: replicas },
    });
  }
}

const plan = (world: TestWorld) => deploymentController.plan('default/web', world.world, now);

const sizes = (world: TestWorld) =>
  world.world.replicaSets
    .list()
    .map((set: ReplicaSet) => [set.spec?.template?.spec?.containers[0]?.image, set.spec?.replicas]);

function rolledOut(more: object = {}): TestWorld {
  const world = new TestWorld();
  world.put('deployments', deployment('a', more));
  world.perform(plan(world));
  settle(world);
  return world;
}

test('a new Deployment makes one ReplicaSet of all its pods, labelled by the hash of the template', () => {
  const world = new TestWorld();
  world.put('deployments', deployment('a'));
  world.perform(plan(world));
  assert.deepEqual(sizes(world), [['a', 4]]);
  const [set] = world.world.replicaSets.list();
  const hash = set?.metadata.labels?.['pod-template-hash'];
  assert.equal(set?.metadata.name, `web-${hash}`);
  assert.equal(set?.spec?.selector.matchLabels?.['pod-template-hash'], hash);
  assert.equal(set?.spec?.template?.metadata?.labels?.['pod-template-hash'], hash);
});

test('a rollout stays within maxSurge and maxUnavailable at every step', () => {
  const world = rolledOut();
  world.put('deployments', deployment('b'));
  const steps: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    world.perform(plan(world));
    steps.push(Object.fromEntries(sizes(world)));
    settle(world);
  }
  assert.deepEqual(steps, [
    { a: 3, b: 1 },
    { a: 2, b: 2 },
    { a: 1, b: 3 },
    { a: 0, b: 4 },
  ]);
});

test('old pods stay while the new ones are not available', () => {
  const world = rolledOut();
  world.put('deployments', deployment('b'));
  world.perform(plan(world));
  world.perform(plan(world));
  world.perform(plan(world));
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 3, b: 2 });
});

test('two old ReplicaSets together leave enough pods that serve', () => {
  const world = rolledOut();
  world.put('deployments', deployment('b'));
  for (let i = 0; i < 2; i++) {
    world.perform(plan(world));
    settle(world);
  }
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 2, b: 2 });
  world.put('deployments', deployment('c'));
  world.perform(plan(world));
  const serving = sizes(world).map(([image, replicas]) => (image === 'c' ? 0 : Number(replicas)));
  assert.equal(
    serving.reduce((sum, count) => sum + count, 0),
    3,
    'maxUnavailable is one of four',
  );
});

test('pods that never became ready go before those that serve, whichever ReplicaSet is older', () => {
  const world = rolledOut();
  world.put('deployments', deployment('b'));
  for (let i = 0; i < 3; i++) world.perform(plan(world));
  const [a] = world.world.replicaSets.list();
  assert.ok(a !== undefined);
  world.put('replicaSets', { ...a, status: { replicas: 3, readyReplicas: 3, availableReplicas: 3 } });
  world.put('deployments', deployment('c'));
  world.perform(plan(world));
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 3, b: 0, c: 0 });
});

test('Recreate ends all old pods before it makes new ones', () => {
  const strategy = { strategy: { type: 'Recreate' } };
  const world = rolledOut(strategy);
  world.put('deployments', deployment('b', strategy));
  world.perform(plan(world));
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 0, b: 0 });
  settle(world);
  world.perform(plan(world));
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 0, b: 4 });
});

test('going back to an old template takes its ReplicaSet again, as the newest revision', () => {
  const world = rolledOut();
  for (const image of ['b', 'a']) {
    world.put('deployments', deployment(image));
    for (let i = 0; i < 6; i++) {
      world.perform(plan(world).filter(({ type }) => type.plural === 'replicasets'));
      settle(world);
    }
  }
  assert.deepEqual(Object.fromEntries(sizes(world)), { a: 4, b: 0 });
  const revision = (image: string) =>
    world.world.replicaSets.list().find((set) => set.spec?.template?.spec?.containers[0]?.image === image)
      ?.metadata.annotations?.['deployment.kubernetes.io/revision'];
  assert.deepEqual([revision('a'), revision('b')], ['3', '2']);
});

test('the status says what kubectl rollout status waits for, and nothing is written twice', () => {
  const world = rolledOut();
  for (let i = 0; i < 2; i++) world.perform(plan(world));
  const status = world.world.deployments.get('web', 'default')?.status;
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
  assert.deepEqual(plan(world), []);
});
