// A migration and the way back on the embedded API server as a process. The clock of the test plays the controllers of Kubernetes:
// whenever somebody waits, pods of workloads end or become ready.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  crdManifests,
  type DaemonSet,
  type Deployment,
  type KubeObject,
  type ResourceType,
  resources,
} from '#api';
import { type Clock, isOrbError, OrbError, silentLogger } from '#base';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import {
  orbweaverPrograms,
  spiderpoolAgent,
  spiderpoolController,
  spiderpoolData,
  spiderpoolWebhooks,
} from '#plan/testing';
import type { MigrateAction } from '../migrate.ts';
import { runMigrate } from './index.ts';

const { daemonSets, deployments, mutatingWebhookConfigurations, pods, nodes } = resources;
const folder = mkdtempSync(join(tmpdir(), 'migration-'));
const plain = (_: string, text: string) => text;
let server: ReturnType<typeof spawn>;
let client: ReturnType<typeof connect>;
/** Pods that never end. */
let stuck: Set<string>;

before(async () => {
  const kubeconfig = join(folder, 'kubeconfig');
  const program = fileURLToPath(new URL('../../main/apiserver.ts', import.meta.url));
  const flags = ['--data-dir', folder, '--token-file', join(folder, 'token'), '--kubeconfig', kubeconfig];
  server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(server.stdout);
  await once(server.stdout, 'data');
  client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  for (const crd of crdManifests()) await client.create(resources.customResourceDefinitions, crd);
});

after(async () => {
  client.close();
  server.kill();
  await once(server, 'exit');
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  stuck = new Set();
  // Spiderpool's webhooks refuse writes without its controller, so they go first.
  const types: readonly ResourceType[] = [
    ...[mutatingWebhookConfigurations, resources.validatingWebhookConfigurations],
    ...[daemonSets, deployments, pods, nodes, resources.configMaps, resources.spiderIPPools],
  ];
  for (const type of types) {
    for (const { metadata } of (await client.list(type)).items) {
      const { name = '', namespace } = metadata;
      if (metadata.finalizers !== undefined) {
        const ref = { name, ...(namespace !== undefined && { namespace }) };
        await client.patch(type, ref, { type: 'merge', body: { metadata: { finalizers: [] } } });
      }
      await client.delete(
        type,
        { name, ...(namespace !== undefined && { namespace }) },
        { gracePeriodSeconds: 0 },
      );
    }
  }
  for (const [name, status] of [
    ['node1', 'True'],
    ['node2', 'True'],
  ] as const) {
    await client.create(nodes, { metadata: { name } });
    const conditions = [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    await client.patch(
      nodes,
      { name },
      { type: 'merge', subresource: 'status', body: { status: { conditions } } },
    );
  }
  await client.create(resources.configMaps, {
    metadata: { name: 'spiderpool-conf', namespace: 'kube-system' },
    data: spiderpoolData,
  });
  await client.create(
    resources.spiderIPPools,
    resources.spiderIPPools.schema.parse({
      metadata: { name: 'p', finalizers: ['spiderpool.spidernet.io'] },
      spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'] },
    }),
  );
  await install({
    daemonSets: [spiderpoolAgent()],
    deployments: [spiderpoolController()],
    webhooks: spiderpoolWebhooks(),
  });
  await play();
});

type Programs = ReturnType<typeof orbweaverPrograms>;

async function install(programs: {
  daemonSets: readonly DaemonSet[];
  deployments: readonly Deployment[];
  webhooks: readonly { kind: string; object: Programs['webhooks'][number]['object'] }[];
}): Promise<void> {
  for (const object of programs.daemonSets) await client.create(daemonSets, object);
  for (const object of programs.deployments) await client.create(deployments, object);
  for (const { kind, object } of programs.webhooks) {
    const type =
      kind === 'MutatingWebhookConfiguration'
        ? mutatingWebhookConfigurations
        : resources.validatingWebhookConfigurations;
    await client.create(type, object);
  }
}

/** What kube-controller-manager and the kubelets would do. */
async function play(): Promise<void> {
  const named = (await client.list(nodes)).items.map(({ metadata }) => metadata.name ?? '');
  for (const object of (await client.list(daemonSets)).items) {
    const selector = object.spec?.template.spec?.nodeSelector ?? {};
    // The nodes of the test have one label.
    const selects = Object.keys(selector).every((key) => key === 'kubernetes.io/os');
    await run(daemonSets, object, selects ? named : []);
  }
  for (const object of (await client.list(deployments)).items) {
    await run(deployments, object, named.slice(0, object.spec?.replicas ?? 1));
  }
}

async function run<T extends DaemonSet | Deployment>(
  type: ResourceType<T>,
  object: T,
  on: readonly string[],
): Promise<void> {
  const { name = '', namespace = '', generation = 0 } = object.metadata;
  const labels = object.spec?.template.metadata?.labels ?? {};
  const all = (await client.list(pods, { namespace })).items.map(({ metadata }) => metadata.name ?? '');
  const own = all.filter((pod) => pod.startsWith(`${name}-`));
  const wanted = on.map((node) => `${name}-${node}`);
  for (const pod of own.filter((one) => !wanted.includes(one) && !stuck.has(one)))
    await client.delete(pods, { namespace, name: pod }, { gracePeriodSeconds: 0 });
  for (const [index, pod] of wanted.entries()) {
    if (own.includes(pod)) continue;
    const spec = { containers: [{ name: 'c', image: 'test' }], nodeName: on[index] ?? '' };
    await client.create(pods, { metadata: { name: pod, namespace, labels }, spec });
  }
  const count = on.length;
  const status =
    type.kind === 'DaemonSet'
      ? {
          ...{ observedGeneration: generation, desiredNumberScheduled: count, numberReady: count },
          ...{ currentNumberScheduled: count, numberMisscheduled: 0 },
        }
      : { observedGeneration: generation, replicas: count, readyReplicas: count };
  const body = { status };
  await client.patch(type, { name, namespace }, { type: 'merge', subresource: 'status', body });
}

/** Time passes only while somebody waits. */
function playedClock(): Clock {
  let nowMs = 0;
  const sleep = async (ms: number) => {
    nowMs += ms;
    await play();
  };
  return { now: () => nowMs, monotonic: () => nowMs, sleep };
}

async function migrate(action: MigrateAction, by: KubeClient = client) {
  const lines: string[] = [];
  const parts = { client: by, clock: playedClock(), paint: plain, say: (line: string) => lines.push(line) };
  const flags = { from: 'spiderpool', action, output: 'text', timeoutSeconds: 60 } as const;
  const exitCode = await runMigrate(parts, flags);
  return { exitCode, lines };
}

/** All objects that a migration may touch, without what the server counts. */
async function everything(): Promise<object[]> {
  const types: readonly ResourceType[] = [
    ...[daemonSets, deployments, mutatingWebhookConfigurations],
    ...[resources.validatingWebhookConfigurations, resources.spiderIPPools, resources.configMaps],
  ];
  const found: object[] = [];
  for (const type of types) {
    for (const object of (await client.list<KubeObject>(type)).items) {
      const { resourceVersion, generation, ...metadata } = object.metadata;
      const { status, ...rest } = object as KubeObject & { status?: unknown };
      // A map whose last key a patch removed stays as an empty one.
      const text = JSON.stringify({ ...rest, metadata }, (_, value: unknown) =>
        isEmptyMap(value) ? undefined : value,
      );
      found.push(JSON.parse(text) as object);
    }
  }
  return found;
}

function isEmptyMap(value: unknown): boolean {
  return JSON.stringify(value) === '{}';
}

/** The client, with a patch of the test's own. */
function patching(patch: KubeClient['patch']): KubeClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === 'patch') return patch;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

const podNames = async () =>
  (await client.list(pods)).items.map(({ metadata }) => metadata.name ?? '').sort();

test('Spiderpool sleeps, and what its users made stays as it was', async () => {
  const pool = await client.get(resources.spiderIPPools, { name: 'p' });
  const { exitCode, lines } = await migrate('apply');
  assert.equal(exitCode, 0);
  assert.deepEqual(lines.slice(0, 5), [
    'MutatingWebhookConfiguration spiderpool-controller sleeps',
    'ValidatingWebhookConfiguration spiderpool-controller sleeps',
    'Deployment kube-system/spiderpool-controller sleeps',
    'DaemonSet kube-system/spiderpool-agent sleeps',
    'Spiderpool sleeps, and no pod of it runs',
  ]);
  const last = lines.at(-1) ?? '';
  assert.match(
    last,
    /helm install orbweaver deploy\/chart --namespace kube-system .*imageRegistryOverride=REGISTRY/,
  );
  assert.deepEqual(await podNames(), []);
  assert.deepEqual(await client.get(resources.spiderIPPools, { name: 'p' }), pool);
  // Spiderpool's webhooks would refuse this: nobody answers them.
  const body = { spec: { disable: true } };
  await client.patch(resources.spiderIPPools, { name: 'p' }, { type: 'merge', body });
});

test('a second --apply changes nothing, and says that Orbweaver is ready once it is installed', async () => {
  await migrate('apply');
  const asleep = await everything();
  const { lines } = await migrate('apply');
  assert.equal(lines[0], 'Spiderpool sleeps, and no pod of it runs');
  assert.deepEqual(await everything(), asleep);
  await install(orbweaverPrograms());
  const again = await migrate('apply');
  assert.deepEqual(again.lines, ['Spiderpool sleeps, and no pod of it runs', 'Orbweaver is ready']);
});

test('--back puts back exactly what was there, and the way can be gone again', async () => {
  const spiderpool = await everything();
  await migrate('apply');
  await install(orbweaverPrograms());
  await migrate('apply');
  const orbweaver = await everything();
  const { exitCode, lines } = await migrate('back');
  assert.equal(exitCode, 0);
  assert.deepEqual(
    await podNames(),
    [
      ...['spiderpool-agent-node1', 'spiderpool-agent-node2'],
      ...['spiderpool-controller-node1', 'spiderpool-controller-node2'],
    ],
    'never both',
  );
  const ours = (object: object) => JSON.stringify(object).includes('"app.kubernetes.io/part-of":"orbweaver"');
  assert.deepEqual(
    (await everything()).filter((object) => !ours(object)),
    spiderpool,
  );
  // Webhooks come last, when their controller answers.
  assert.deepEqual(lines.slice(-5), [
    'DaemonSet kube-system/spiderpool-agent is awake',
    'Deployment kube-system/spiderpool-controller is awake',
    'ValidatingWebhookConfiguration spiderpool-controller is awake',
    'MutatingWebhookConfiguration spiderpool-controller is awake',
    'Spiderpool is ready',
  ]);
  await migrate('apply');
  assert.deepEqual(await everything(), orbweaver);
});

test('a migration that is cut off after any write goes on, and the way back is whole', async () => {
  const spiderpool = await everything();
  for (let writes = 0; writes < 4; writes++) {
    let left = writes;
    const dying = patching(async (...args) => {
      if (left-- === 0) throw new OrbError('KUBE_UNREACHABLE', { message: 'cut off' });
      return client.patch(...args);
    });
    await assert.rejects(migrate('apply', dying), /cut off/);
    await migrate('apply');
    assert.deepEqual(await podNames(), []);
    await migrate('back');
    assert.deepEqual(await everything(), spiderpool, `after ${writes} writes`);
  }
});

test('what another program writes meanwhile is not lost', async () => {
  let others = 3;
  const busy = patching(async (...args) => {
    const [type, ref] = args;
    if (type.kind === 'Deployment' && others-- > 0) {
      const body = { metadata: { annotations: { [`other-${others}`]: 'kept' } }, spec: { replicas: 1 } };
      await client.patch(type, ref, { type: 'merge', body });
    }
    return client.patch(...args);
  });
  await migrate('apply', busy);
  await migrate('back');
  const { metadata, spec } = await client.get(deployments, {
    namespace: 'kube-system',
    name: 'spiderpool-controller',
  });
  assert.equal(spec?.replicas, 1);
  assert.equal(metadata.annotations?.['other-0'], 'kept');
});

test('a pod that does not end is named, and the next run goes on', async () => {
  stuck.add('spiderpool-agent-node2');
  await assert.rejects(migrate('apply'), (error) => {
    assert.ok(isOrbError(error, 'MIGRATION_STEP_LATE'));
    assert.match(error.message, /after 60 s, .*not ended: kube-system\/spiderpool-agent-node2$/);
    return true;
  });
  stuck.clear();
  assert.equal((await migrate('apply')).exitCode, 0);
});

test('a pod on a node that is not ready is not waited for', async () => {
  stuck.add('spiderpool-agent-node2');
  const conditions = [{ type: 'Ready', status: 'Unknown' }];
  const body = { status: { conditions } };
  await client.patch(nodes, { name: 'node2' }, { type: 'merge', subresource: 'status', body });
  assert.equal((await migrate('apply')).exitCode, 0);
});

test('while something stands in the way, nothing is changed', async () => {
  const data = { 'conf.yml': 'agent: {networkResourcePlugin: {enabled: true}}' };
  const ref = { namespace: 'kube-system', name: 'spiderpool-conf' };
  await client.patch(resources.configMaps, ref, { type: 'merge', body: { data } });
  const before = await everything();
  const { exitCode, lines } = await migrate('apply');
  assert.equal(exitCode, 1);
  assert.match(lines.join('\n'), /^in the way:\n {2}conf\.yml agent\.networkResourcePlugin\.enabled/);
  assert.deepEqual(await everything(), before);
});

test('pools mark what a provider has bound, when Spiderpool sleeps, once', async () => {
  const data = { 'conf.yml': 'iaasNetworkProvider: {serverUrl: "https://iaas"}' };
  await client.patch(
    resources.configMaps,
    { namespace: 'kube-system', name: 'spiderpool-conf' },
    { type: 'merge', body: { data } },
  );
  const allocatedIPs = JSON.stringify({ '10.6.0.1': { pod: 'default/web', podUid: 'u1' } });
  const body = { status: { allocatedIPs, allocatedIPCount: 1 } };
  await client.patch(resources.spiderIPPools, { name: 'p' }, { type: 'merge', body, subresource: 'status' });
  const nic = { interface: 'eth0', ipv4: '10.6.0.1/16', ipv4Pool: 'p', vlan: 41 };
  await client.create(
    resources.spiderEndpoints,
    resources.spiderEndpoints.schema.parse({
      metadata: { namespace: 'default', name: 'web' },
      status: {
        current: { uid: 'u1', node: 'node1', ips: [{ ...nic, mac: 'fa:16:3e:00:00:01' }] },
        ...{ ownerControllerType: 'Pod', ownerControllerName: 'web' },
      },
    }),
  );
  const marked = async () => {
    const pool = await client.get(resources.spiderIPPools, { name: 'p' });
    return JSON.parse(pool.status?.allocatedIPs ?? '') as object;
  };
  try {
    assert.match((await migrate('dry-run')).lines.join(), /bound: 1 to mark/);
    const { lines } = await migrate('apply');
    const line = 'pools mark 1 address more that the IaaS provider has bound';
    assert.ok(
      lines.indexOf(line) > lines.indexOf('Spiderpool sleeps, and no pod of it runs'),
      lines.join('\n'),
    );
    assert.match(lines.at(-1) ?? '', /--set iaasNetworkProvider\.tls\.caSecret=SECRET --wait$/);
    const iaas = { node: 'node1', parentNicMac: '' };
    assert.deepEqual(await marked(), { '10.6.0.1': { pod: 'default/web', podUid: 'u1', iaas } });
    assert.match((await migrate('dry-run')).lines.join(), /bound: 0 to mark \(done\)/);
    assert.ok((await migrate('apply')).lines.includes(line.replace('1 address', '0 addresses')));
  } finally {
    const empty = { status: { allocatedIPs: '', allocatedIPCount: 0 } };
    await client.patch(
      resources.spiderIPPools,
      { name: 'p' },
      { type: 'merge', body: empty, subresource: 'status' },
    );
    await client.delete(resources.spiderEndpoints, { namespace: 'default', name: 'web' });
  }
});

test('a cluster without Spiderpool is an error that says what was looked for', async () => {
  await client.delete(daemonSets, { namespace: 'kube-system', name: 'spiderpool-agent' });
  await client.delete(deployments, { namespace: 'kube-system', name: 'spiderpool-controller' });
  await assert.rejects(migrate('dry-run'), (error) => isOrbError(error, 'MIGRATION_SOURCE_MISSING'));
});
