// All controllers together against the embedded API server, with a kubelet that only says "Running".

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Pod, resources } from '#api';
import { errorText, isOrbError, silentLogger, systemClock } from '#base';
import { connect, type KubeClient, keyOf, kubeconfigFile, Reflector, refOf, WorkQueue } from '#kube';
import { runControllers } from './index.ts';

const apiserver = fileURLToPath(new URL('../../main/apiserver.ts', import.meta.url));

const stops: (() => Promise<unknown> | unknown)[] = [];
let kube: KubeClient;

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'controllers-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const flags = ['--data-dir', folder, '--token-file', join(folder, 'token'), '--kubeconfig', kubeconfig];
  const server = spawn(
    process.execPath,
    [apiserver, ...flags, '--service-cidr', '10.96.0.0/16,fd00:96::/112'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  stops.push(() => ended(server));
  await once(server.stdout, 'data');
  kube = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  for (const name of ['node1', 'node2']) await createNode(name);
  const kubelet = startKubelet();
  stops.push(() => kubelet.stop());
  const controllers = await runControllers({ client: kube, clock: systemClock, log: silentLogger });
  stops.push(() => controllers.stop());
});

after(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function ended(server: ChildProcess): Promise<void> {
  server.kill('SIGTERM');
  await once(server, 'exit');
}

async function createNode(name: string): Promise<void> {
  await kube.create(resources.nodes, { metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
  const conditions = [{ type: 'Ready', status: 'True' }];
  await kube.patch(
    resources.nodes,
    { name },
    { type: 'merge', subresource: 'status', body: { status: { conditions } } },
  );
}

/** Runs bound pods, each with an address of both families, and ends those that are to go. */
function startKubelet(): { stop(): Promise<void> } {
  let addresses = 0;
  const shared = { client: kube, clock: systemClock, log: silentLogger };
  const run = async ({ metadata, status, spec }: Pod) => {
    const ref = refOf({ metadata });
    if (metadata.deletionTimestamp !== undefined) {
      return kube.delete(resources.pods, ref, { gracePeriodSeconds: 0 });
    }
    if ((spec?.nodeName ?? '') === '' || status?.phase === 'Running') return;
    addresses += 1;
    const podIPs = [{ ip: `10.244.0.${addresses}` }, { ip: `fd00:244::${addresses}` }];
    const conditions = [{ type: 'Ready', status: 'True' }];
    const body = { status: { phase: 'Running', conditions, podIP: podIPs[0]?.ip, podIPs } };
    await kube.patch(resources.pods, ref, { type: 'merge', subresource: 'status', body });
  };
  const queue: WorkQueue = new WorkQueue({
    ...shared,
    work: async (key) => {
      const [namespace, name = ''] = key.split('/');
      const pod = pods.store.get(name, namespace);
      if (pod === undefined) return;
      await run(pod).catch((error: unknown) => {
        if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      });
    },
  });
  const pods: Reflector<Pod> = new Reflector<Pod>({ ...shared, type: resources.pods }).start();
  pods.subscribe(({ object }) => queue.add(keyOf(object)));
  return {
    async stop() {
      await Promise.all([queue.stop(), pods.stop()]);
    },
  };
}

async function eventually<T>(look: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`not in time: ${errorText(error)}`, { cause: error });
      await systemClock.sleep(20);
    }
  }
}

const namespace = 'default';

function template(app: string, image = 'test:1') {
  const ports = [{ name: 'web', containerPort: 8080 }];
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image, ports }] } };
}

async function podsOf(app: string): Promise<Pod[]> {
  return (await kube.list(resources.pods, { namespace, labelSelector: `app=${app}` })).items;
}

const namesOf = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

test('a Deployment gets its pods, spread over the nodes, and rolls out a new template', async () => {
  const spec = { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: template('web') };
  await kube.create(resources.deployments, { metadata: { name: 'web', namespace }, spec });
  const complete = async (generation: number) => {
    const { status } = await kube.get(resources.deployments, { namespace, name: 'web' });
    assert.equal(status?.observedGeneration, generation);
    assert.deepEqual(
      [status.replicas, status.updatedReplicas, status.availableReplicas, status.unavailableReplicas],
      [4, 4, 4, 0],
    );
  };
  await eventually(() => complete(1));
  const nodes = (await podsOf('web')).map((pod) => pod.spec?.nodeName).toSorted();
  assert.deepEqual(nodes, ['node1', 'node1', 'node2', 'node2']);
  const body = { spec: { template: template('web', 'test:2') } };
  await kube.patch(resources.deployments, { namespace, name: 'web' }, { type: 'merge', body });
  await eventually(() => complete(2));
  const images = (await podsOf('web')).map((pod) => pod.spec?.containers[0]?.image);
  assert.deepEqual(images, ['test:2', 'test:2', 'test:2', 'test:2']);
  const sets = (await kube.list(resources.replicaSets, { namespace })).items;
  assert.deepEqual(sets.map((set) => set.spec?.replicas).toSorted(), [0, 4]);
});

test('a Deployment is scaled down, and is deleted with its dependents', async () => {
  const scaled = { type: 'merge', body: { spec: { replicas: 1 } } } as const;
  await kube.patch(resources.deployments, { namespace, name: 'web' }, scaled);
  await eventually(async () => assert.equal((await podsOf('web')).length, 1));
  await kube.delete(resources.deployments, { namespace, name: 'web' });
  await eventually(async () => assert.deepEqual(await podsOf('web'), []));
});

test('a StatefulSet makes its pods one after the other, and removes the last first', async () => {
  const selector = { matchLabels: { app: 'db' } };
  const spec = { replicas: 3, serviceName: 'db', selector, template: template('db') };
  await kube.create(resources.statefulSets, { metadata: { name: 'db', namespace }, spec });
  await eventually(async () => {
    const { status } = await kube.get(resources.statefulSets, { namespace, name: 'db' });
    assert.equal(status?.readyReplicas, 3);
  });
  const made = (await podsOf('db')).toSorted(
    (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
  );
  assert.deepEqual(namesOf(made), ['db-0', 'db-1', 'db-2']);
  const scaled = { type: 'merge', body: { spec: { replicas: 1 } } } as const;
  await kube.patch(resources.statefulSets, { namespace, name: 'db' }, scaled);
  await eventually(async () => assert.deepEqual(namesOf(await podsOf('db')), ['db-0']));
});

test('a DaemonSet has one pod on each node, also on a node that comes later', async () => {
  const spec = { selector: { matchLabels: { app: 'net' } }, template: template('net') };
  await kube.create(resources.daemonSets, { metadata: { name: 'net', namespace }, spec });
  const nodes = async () => (await podsOf('net')).map((pod) => pod.spec?.nodeName).toSorted();
  await eventually(async () => assert.deepEqual(await nodes(), ['node1', 'node2']));
  await createNode('node3');
  await eventually(async () => assert.deepEqual(await nodes(), ['node1', 'node2', 'node3']));
  await eventually(async () => {
    const { status } = await kube.get(resources.daemonSets, { namespace, name: 'net' });
    assert.deepEqual([status?.desiredNumberScheduled, status?.numberReady], [3, 3]);
  });
});

test('a dual-stack Service has a slice for each family, which follows its pods', async () => {
  await kube.create(resources.services, {
    metadata: { name: 'net', namespace },
    spec: {
      selector: { app: 'net' },
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [{ name: 'http', port: 80, targetPort: 'web' }],
    },
  });
  const slices = async () => {
    const labelSelector = 'kubernetes.io/service-name=net';
    const { items } = await kube.list(resources.endpointSlices, { namespace, labelSelector });
    return items.toSorted((a, b) => (a.addressType < b.addressType ? -1 : 1));
  };
  await eventually(async () => {
    const [v4, v6] = await slices();
    assert.equal(v4?.addressType, 'IPv4');
    assert.deepEqual(v4.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
    assert.equal(v4.endpoints?.length, 3);
    assert.equal(v6?.endpoints?.length, 3);
    assert.match(v6.endpoints[0]?.addresses[0] ?? '', /^fd00:244::/);
    assert.equal(v4.endpoints[0]?.conditions?.ready, true);
  });
  await kube.delete(resources.daemonSets, { namespace, name: 'net' });
  await eventually(async () => {
    const endpoints = (await slices()).flatMap((slice) => slice.endpoints ?? []);
    assert.deepEqual(endpoints, []);
  });
});

test('a pod that fits no node says why, and runs when a suitable node comes', async () => {
  await kube.create(resources.pods, {
    metadata: { name: 'picky', namespace },
    spec: { nodeSelector: { 'kubernetes.io/hostname': 'node4' }, containers: [{ name: 'c', image: 'test' }] },
  });
  const picky = () => kube.get(resources.pods, { namespace, name: 'picky' });
  await eventually(async () => {
    const condition = (await picky()).status?.conditions?.find(({ type }) => type === 'PodScheduled');
    assert.equal(condition?.reason, 'Unschedulable');
  });
  await createNode('node4');
  await eventually(async () => assert.equal((await picky()).status?.phase, 'Running'));
  assert.equal((await picky()).spec?.nodeName, 'node4');
});
