// ReplicaSet, StatefulSet and DaemonSet, each as a plan.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import type { LabController } from './cluster-state.ts';
import { daemonSetController } from './daemon-set.ts';
import { LabCluster, now, ready, shown, statusOf } from './plans-fixture.ts';
import { replicaSetController } from './replica-set.ts';
import { statefulSetController } from './stateful-set.ts';

const selector = { matchLabels: { app: 'a' } };
const template = (image = 'one') => ({
  metadata: { labels: { app: 'a' }, annotations: { note: 'x' } },
  spec: { containers: [{ name: 'c', image }] },
});

const plan = (controller: LabController, cluster: LabCluster) =>
  controller.plan('default/a', cluster.state, now);

/** Lets all pods, or the one named, run. */
function run(cluster: LabCluster, name?: string): void {
  const pods = cluster.state.pods.list();
  cluster.put('pods', ...pods.filter((pod) => name === undefined || pod.metadata.name === name).map(ready));
}

function terminating(cluster: LabCluster, name: string): void {
  const pod = cluster.state.pods.get(name, 'default') as Pod;
  cluster.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: now } });
}

test('a ReplicaSet makes pods from its template and owns them', () => {
  const cluster = new LabCluster();
  cluster.put('replicaSets', {
    metadata: { name: 'a' },
    spec: { replicas: 2, selector, template: template() },
  });
  const actions = plan(replicaSetController, cluster);
  assert.deepEqual(shown(actions), ['create pods a-', 'create pods a-']);
  const { metadata } = actions[0]?.object ?? { metadata: {} };
  assert.deepEqual(metadata.labels, { app: 'a' });
  assert.deepEqual(metadata.annotations, { note: 'x' });
  assert.equal(metadata.ownerReferences?.[0]?.uid, 'uid-a');
  assert.equal(metadata.ownerReferences[0].controller, true);
});

test('a ReplicaSet replaces ended pods, and removes the least useful pods first', () => {
  const cluster = new LabCluster();
  cluster.put('replicaSets', {
    metadata: { name: 'a' },
    spec: { replicas: 3, selector, template: template() },
  });
  cluster.perform(plan(replicaSetController, cluster));
  const [first, second] = cluster.state.pods.list().map(({ metadata }) => metadata.name ?? '');
  run(cluster, first);
  terminating(cluster, second ?? '');
  assert.deepEqual(shown(plan(replicaSetController, cluster)), ['create pods a-']);
  const wanted = { metadata: { name: 'a' }, spec: { replicas: 1, selector, template: template() } };
  cluster.put('replicaSets', wanted);
  const removed = shown(plan(replicaSetController, cluster));
  assert.equal(removed.length, 1);
  assert.ok(!removed[0]?.endsWith(` ${first}`), 'the ready pod stays');
  assert.deepEqual(statusOf(plan(replicaSetController, cluster)), {
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 1,
    availableReplicas: 1,
    observedGeneration: 1,
  });
});

function statefulSet(replicas: number, more: object = {}, image?: string) {
  const cluster = new LabCluster();
  const put = (count: number, other: object = more, newImage = image) =>
    cluster.put('statefulSets', {
      metadata: { name: 'a' },
      spec: { replicas: count, serviceName: 'a', selector, template: template(newImage), ...other },
    });
  put(replicas);
  return { cluster, put };
}

test('a StatefulSet makes the next pod only when those before it are ready', () => {
  const { cluster } = statefulSet(2);
  const first = plan(statefulSetController, cluster);
  assert.deepEqual(shown(first), ['create pods a-0']);
  cluster.perform(first);
  assert.deepEqual(shown(plan(statefulSetController, cluster)), []);
  run(cluster);
  const second = plan(statefulSetController, cluster);
  assert.deepEqual(shown(second), ['create pods a-1']);
  assert.equal(second[0]?.object.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'a-1');
});

test('a StatefulSet with Parallel makes and removes all pods at once', () => {
  const { cluster, put } = statefulSet(3, { podManagementPolicy: 'Parallel' });
  const made = plan(statefulSetController, cluster);
  assert.deepEqual(shown(made), ['create pods a-0', 'create pods a-1', 'create pods a-2']);
  cluster.perform(made);
  put(1);
  assert.deepEqual(shown(plan(statefulSetController, cluster)), ['delete pods a-2', 'delete pods a-1']);
});

test('the pods of a StatefulSet are numbered from ordinals.start on, and others are removed', () => {
  const parallel = { podManagementPolicy: 'Parallel' };
  const { cluster, put } = statefulSet(2, { ...parallel, ordinals: { start: 5 } });
  const made = plan(statefulSetController, cluster);
  assert.deepEqual(shown(made), ['create pods a-5', 'create pods a-6']);
  cluster.perform(made);
  put(2, { ...parallel, ordinals: { start: 6 } });
  assert.deepEqual(shown(plan(statefulSetController, cluster)), ['create pods a-7', 'delete pods a-5']);
});

/** A StatefulSet whose three pods run. */
function threeRunning() {
  const { cluster, put } = statefulSet(3);
  for (let i = 0; i < 3; i++) {
    cluster.perform(plan(statefulSetController, cluster));
    run(cluster);
  }
  return { cluster, put };
}

test('a StatefulSet removes its last pod first, one after the other', () => {
  const { cluster, put } = threeRunning();
  put(1);
  assert.deepEqual(shown(plan(statefulSetController, cluster)), ['delete pods a-2']);
  terminating(cluster, 'a-2');
  assert.deepEqual(shown(plan(statefulSetController, cluster)), []);
});

test('a StatefulSet fills a gap with the same name', () => {
  const { cluster } = threeRunning();
  cluster.perform([
    { verb: 'delete', type: podType(cluster), object: cluster.state.pods.get('a-1', 'default') as Pod },
  ]);
  assert.deepEqual(shown(plan(statefulSetController, cluster)), ['create pods a-1']);
});

function podType(cluster: LabCluster) {
  const fresh = new LabCluster();
  fresh.put('statefulSets', ...cluster.state.statefulSets.list());
  const [create] = plan(statefulSetController, fresh);
  assert.ok(create !== undefined);
  return create.type;
}

test('a StatefulSet replaces pods of an old template from the last down to its partition', () => {
  const { cluster, put } = threeRunning();
  const partition = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } };
  put(3, partition, 'two');
  const step = plan(statefulSetController, cluster);
  assert.deepEqual(shown(step), ['delete pods a-2']);
  cluster.perform(step);
  cluster.perform(plan(statefulSetController, cluster));
  run(cluster);
  assert.deepEqual(shown(plan(statefulSetController, cluster)), []);
  put(3, {}, 'two');
  assert.deepEqual(shown(plan(statefulSetController, cluster)), ['delete pods a-1']);
});

function daemonSet(nodeSelector?: Record<string, string>) {
  const cluster = new LabCluster();
  for (const name of ['node1', 'node2', 'node3']) {
    cluster.put('nodes', { metadata: { name, labels: { disk: name === 'node3' ? 'slow' : 'fast' } } });
  }
  const put = (image?: string) => {
    const { metadata, spec } = template(image);
    cluster.put('daemonSets', {
      metadata: { name: 'a' },
      spec: {
        selector,
        template: { metadata, spec: { ...spec, ...(nodeSelector !== undefined && { nodeSelector }) } },
      },
    });
  };
  put();
  return { cluster, put };
}

const nodesOf = (cluster: LabCluster) => cluster.state.pods.list().map(({ spec }) => spec?.nodeName);

test('a DaemonSet binds one pod to each node that matches its nodeSelector', () => {
  const { cluster } = daemonSet({ disk: 'fast' });
  cluster.perform(plan(daemonSetController, cluster));
  assert.deepEqual(nodesOf(cluster), ['node1', 'node2']);
  assert.deepEqual(shown(plan(daemonSetController, cluster)), []);
});

test('a DaemonSet removes the pod of a node that no longer matches', () => {
  const { cluster } = daemonSet({ disk: 'fast' });
  cluster.perform(plan(daemonSetController, cluster));
  const [first] = cluster.state.pods.list();
  cluster.put('nodes', { metadata: { name: 'node1', labels: { disk: 'slow' } } });
  assert.deepEqual(shown(plan(daemonSetController, cluster)), [`delete pods ${first?.metadata.name}`]);
});

test('a DaemonSet replaces pods of an old template one at a time', () => {
  const { cluster, put } = daemonSet();
  cluster.perform(plan(daemonSetController, cluster));
  run(cluster);
  put('two');
  const step = plan(daemonSetController, cluster);
  assert.equal(shown(step).length, 1);
  cluster.perform(step);
  cluster.perform(plan(daemonSetController, cluster));
  assert.deepEqual(shown(plan(daemonSetController, cluster)), [], 'it waits for the new pod');
  run(cluster);
  assert.equal(shown(plan(daemonSetController, cluster)).length, 1);
});
