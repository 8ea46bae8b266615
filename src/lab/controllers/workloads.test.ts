// ReplicaSet, StatefulSet and DaemonSet, each as a plan.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import type { Controller } from './controller.ts';
import { daemonSetController } from './daemon-set.ts';
import { replicaSetController } from './replica-set.ts';
import { statefulSetController } from './stateful-set.ts';
import { now, ready, shown, statusOf, TestWorld } from './testing.ts';

const selector = { matchLabels: { app: 'a' } };
const template = (image = 'one') => ({
  metadata: { labels: { app: 'a' }, annotations: { note: 'x' } },
  spec: { containers: [{ name: 'c', image }] },
});

const plan = (controller: Controller, world: TestWorld) => controller.plan('default/a', world.world, now);

/** Lets all pods, or the one named, run. */
function run(world: TestWorld, name?: string): void {
  const pods = world.world.pods.list();
  world.put('pods', ...pods.filter((pod) => name === undefined || pod.metadata.name === name).map(ready));
}

function terminating(world: TestWorld, name: string): void {
  const pod = world.world.pods.get(name, 'default') as Pod;
  world.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: now } });
}

test('a ReplicaSet makes pods of its template, owned by it', () => {
  const world = new TestWorld();
  world.put('replicaSets', {
    metadata: { name: 'a' },
    spec: { replicas: 2, selector, template: template() },
  });
  const actions = plan(replicaSetController, world);
  assert.deepEqual(shown(actions), ['create pods a-', 'create pods a-']);
  const { metadata } = actions[0]?.object ?? { metadata: {} };
  assert.deepEqual(metadata.labels, { app: 'a' });
  assert.deepEqual(metadata.annotations, { note: 'x' });
  assert.equal(metadata.ownerReferences?.[0]?.uid, 'uid-a');
  assert.equal(metadata.ownerReferences[0].controller, true);
});

test('a ReplicaSet replaces pods that end, and removes the ones that serve least first', () => {
  const world = new TestWorld();
  world.put('replicaSets', {
    metadata: { name: 'a' },
    spec: { replicas: 3, selector, template: template() },
  });
  world.perform(plan(replicaSetController, world));
  const [first, second] = world.world.pods.list().map(({ metadata }) => metadata.name ?? '');
  run(world, first);
  terminating(world, second ?? '');
  assert.deepEqual(shown(plan(replicaSetController, world)), ['create pods a-']);
  const wanted = { metadata: { name: 'a' }, spec: { replicas: 1, selector, template: template() } };
  world.put('replicaSets', wanted);
  const removed = shown(plan(replicaSetController, world));
  assert.equal(removed.length, 1);
  assert.ok(!removed[0]?.endsWith(` ${first}`), 'the ready pod stays');
  assert.deepEqual(statusOf(plan(replicaSetController, world)), {
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 1,
    availableReplicas: 1,
    observedGeneration: 1,
  });
});

function statefulSet(replicas: number, more: object = {}, image?: string) {
  const world = new TestWorld();
  const put = (count: number, other: object = more, newImage = image) =>
    world.put('statefulSets', {
      metadata: { name: 'a' },
      spec: { replicas: count, serviceName: 'a', selector, template: template(newImage), ...other },
    });
  put(replicas);
  return { world, put };
}

test('a StatefulSet makes the next pod only when those before it are ready', () => {
  const { world } = statefulSet(2);
  const first = plan(statefulSetController, world);
  assert.deepEqual(shown(first), ['create pods a-0']);
  world.perform(first);
  assert.deepEqual(shown(plan(statefulSetController, world)), []);
  run(world);
  const second = plan(statefulSetController, world);
  assert.deepEqual(shown(second), ['create pods a-1']);
  assert.equal(second[0]?.object.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'a-1');
});

test('a StatefulSet with Parallel makes and removes all at once', () => {
  const { world, put } = statefulSet(3, { podManagementPolicy: 'Parallel' });
  const made = plan(statefulSetController, world);
  assert.deepEqual(shown(made), ['create pods a-0', 'create pods a-1', 'create pods a-2']);
  world.perform(made);
  put(1);
  assert.deepEqual(shown(plan(statefulSetController, world)), ['delete pods a-2', 'delete pods a-1']);
});

/** A StatefulSet whose three pods run. */
function threeRunning() {
  const { world, put } = statefulSet(3);
  for (let i = 0; i < 3; i++) {
    world.perform(plan(statefulSetController, world));
    run(world);
  }
  return { world, put };
}

test('a StatefulSet removes from the top, one pod after the other', () => {
  const { world, put } = threeRunning();
  put(1);
  assert.deepEqual(shown(plan(statefulSetController, world)), ['delete pods a-2']);
  terminating(world, 'a-2');
  assert.deepEqual(shown(plan(statefulSetController, world)), []);
});

test('a StatefulSet fills a gap with the same name', () => {
  const { world } = threeRunning();
  world.perform([
    { verb: 'delete', type: podType(world), object: world.world.pods.get('a-1', 'default') as Pod },
  ]);
  assert.deepEqual(shown(plan(statefulSetController, world)), ['create pods a-1']);
});

function podType(world: TestWorld) {
  const fresh = new TestWorld();
  fresh.put('statefulSets', ...world.world.statefulSets.list());
  const [create] = plan(statefulSetController, fresh);
  assert.ok(create !== undefined);
  return create.type;
}

test('a StatefulSet replaces pods of an old template from the last, down to its partition', () => {
  const { world, put } = threeRunning();
  const partition = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } };
  put(3, partition, 'two');
  const step = plan(statefulSetController, world);
  assert.deepEqual(shown(step), ['delete pods a-2']);
  world.perform(step);
  world.perform(plan(statefulSetController, world));
  run(world);
  assert.deepEqual(shown(plan(statefulSetController, world)), []);
  put(3, {}, 'two');
  assert.deepEqual(shown(plan(statefulSetController, world)), ['delete pods a-1']);
});

function daemonSet(nodeSelector?: Record<string, string>) {
  const world = new TestWorld();
  for (const name of ['node1', 'node2', 'node3']) {
    world.put('nodes', { metadata: { name, labels: { disk: name === 'node3' ? 'slow' : 'fast' } } });
  }
  const put = (image?: string) => {
    const { metadata, spec } = template(image);
    world.put('daemonSets', {
      metadata: { name: 'a' },
      spec: {
        selector,
        template: { metadata, spec: { ...spec, ...(nodeSelector === undefined ? {} : { nodeSelector }) } },
      },
    });
  };
  put();
  return { world, put };
}

const nodesOf = (world: TestWorld) => world.world.pods.list().map(({ spec }) => spec?.nodeName);

test('a DaemonSet binds one pod to each node that its nodeSelector takes', () => {
  const { world } = daemonSet({ disk: 'fast' });
  world.perform(plan(daemonSetController, world));
  assert.deepEqual(nodesOf(world), ['node1', 'node2']);
  assert.deepEqual(shown(plan(daemonSetController, world)), []);
});

test('a DaemonSet removes the pod of a node that it does not take any more', () => {
  const { world } = daemonSet({ disk: 'fast' });
  world.perform(plan(daemonSetController, world));
  const [first] = world.world.pods.list();
  world.put('nodes', { metadata: { name: 'node1', labels: { disk: 'slow' } } });
  assert.deepEqual(shown(plan(daemonSetController, world)), [`delete pods ${first?.metadata.name}`]);
});

test('a DaemonSet replaces pods of an old template one at a time', () => {
  const { world, put } = daemonSet();
  world.perform(plan(daemonSetController, world));
  run(world);
  put('two');
  const step = plan(daemonSetController, world);
  assert.equal(shown(step).length, 1);
  world.perform(step);
  world.perform(plan(daemonSetController, world));
  assert.deepEqual(shown(plan(daemonSetController, world)), [], 'it waits for the new pod');
  run(world);
  assert.equal(shown(plan(daemonSetController, world)).length, 1);
});
