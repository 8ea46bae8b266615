// What `orbctl uninstall` removes, in which order, and what it keeps.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources, SPIDERPOOL_FINALIZER } from '#api';
import { OrbError } from '#base';
import { FakeClock } from '#base/testing';
import { AskedCluster } from '../cluster-fixture.ts';
import { runUninstall } from './index.ts';

const namespace = 'kube-system';
const record = (name: string) => ({ pod: `ns/${name}`, podUid: `uid-${name}`, nic: 'eth0' });

let kube: AskedCluster;
let said: string[];

beforeEach(async () => {
  kube = new AskedCluster();
  said = [];
  for (const type of [resources.mutatingWebhookConfigurations, resources.validatingWebhookConfigurations]) {
    await kube.put(type, { metadata: { name: 'orbweaver' }, webhooks: [] });
    await kube.put(type, { metadata: { name: 'other' }, webhooks: [] });
  }
  await kube.put(resources.nodes, {
    metadata: { name: 'node1', annotations: { 'orbweaver.io/cluster-cni': 'calico', mine: 'kept' } },
    status: { capacity: { cpu: '4', 'openstack.orbweaver.io/addresses': '7', 'example.com/own': '1' } },
  });
  await kube.put(resources.secrets, {
    metadata: {
      ...{ name: 'orbweaver-webhook-certificates', namespace },
      labels: { 'orbweaver.io/certificates-of': 'webhooks' },
    },
  });
  await kube.put(resources.configMaps, { metadata: { name: 'orbweaver-network-claims', namespace } });
  await kube.put(resources.configMaps, {
    metadata: { name: 'orbweaver-router-routes', namespace },
    data: {},
  });
  await kube.put(resources.deployments, workload('orbweaver-controller'));
  await kube.put(resources.daemonSets, workload('orbweaver-agent'));
  await kube.pool('lan', {}, {}, { finalizers: [SPIDERPOOL_FINALIZER, 'example.com/theirs'] });
  agentsClearTheirNodes();
});

function workload(name: string): object {
  const template = {
    spec: { containers: [{ name: name.replace('orbweaver-', ''), args: ['--config-path=x'] }] },
  };
  return { metadata: { name, namespace, generation: 1 }, spec: { selector: {}, template } };
}

/** The status of the DaemonSet as its controller writes it after the agents were exchanged on two nodes. */
function agentsClearTheirNodes(numberReady = 2): void {
  kube.before = async ({ verb, plural }) => {
    if (verb !== 'patch' || plural !== 'daemonsets') return;
    const status = {
      observedGeneration: 2,
      desiredNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberReady,
    };
    const ref = { name: 'orbweaver-agent', namespace };
    const found = await kube.get(resources.daemonSets, ref);
    await kube.updateStatus(resources.daemonSets, { ...found, status });
  };
}

async function agentPod(node: string, ready: 'True' | 'False'): Promise<void> {
  await kube.put(resources.pods, {
    metadata: { name: `agent-${node}`, namespace, labels: { 'app.kubernetes.io/name': 'orbweaver-agent' } },
    spec: { nodeName: node, containers: [] },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });
}

async function uninstall(more: { dryRun?: boolean; wait?: number } = {}): Promise<number> {
  const clock = new FakeClock(Date.parse('2026-06-01T12:00:00Z'));
  const flags = { namespace, dryRun: false, wait: 5, ...more };
  const done = runUninstall({ client: kube, clock, say: (line) => said.push(line) }, flags);
  let isOver = false;
  done.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(500);
  }
  return done;
}

const removed = () => said.filter((line) => line.startsWith('removed: '));

test('webhooks go first, then the controller, what agents keep, finalizers, annotations and objects of ours', async () => {
  assert.equal(await uninstall(), 0, said.join('\n'));
  assert.deepEqual(said, [
    'removed: MutatingWebhookConfiguration orbweaver',
    'removed: ValidatingWebhookConfiguration orbweaver',
    'removed: Deployment kube-system/orbweaver-controller',
    'the agents are told to clear their nodes',
    'every node is cleared',
    `removed: the finalizer ${SPIDERPOOL_FINALIZER} of SpiderIPPool lan`,
    'removed: the annotations orbweaver.io/cluster-cni of Node node1',
    'removed: the resources openstack.orbweaver.io/* of Node node1',
    'removed: ConfigMap kube-system/orbweaver-network-claims',
    'removed: ConfigMap kube-system/orbweaver-router-routes',
    'removed: Secret kube-system/orbweaver-webhook-certificates',
    'Orbweaver is uninstalled. Pools, networks and their kinds are still there.',
  ]);
  const { metadata } = await kube.get(resources.spiderIPPools, { name: 'lan' });
  assert.deepEqual(metadata.finalizers, ['example.com/theirs']);
  const node = await kube.get(resources.nodes, { name: 'node1' });
  assert.deepEqual(node.metadata.annotations, { mine: 'kept' });
  assert.deepEqual(node.status?.capacity, { cpu: '4', 'example.com/own': '1' });
  await kube.get(resources.mutatingWebhookConfigurations, { name: 'other' });
});

test('the list of routes that are still on a router stays', async () => {
  const ref = { name: 'orbweaver-router-routes', namespace };
  const found = await kube.get(resources.configMaps, ref);
  await kube.update(resources.configMaps, { ...found, data: { router: '[]' } });
  assert.equal(await uninstall(), 0, said.join('\n'));
  await kube.get(resources.configMaps, ref);
  assert.match(said.at(-1) ?? '', /orbctl openstack sweep --apply removes them$/);
});

test('it can be repeated: the second time there is nothing to do', async () => {
  await uninstall();
  said = [];
  assert.equal(await uninstall(), 0);
  assert.deepEqual(removed(), []);
});

test('a pod with a NIC of ours is named, and nothing is removed', async () => {
  await kube.pod('web');
  await kube.pod('other');
  await kube.pool('used', {}, { '10.6.0.1': record('web'), '10.6.0.2': record('gone') });
  assert.equal(await uninstall(), 1);
  assert.deepEqual(said, [
    'pod ns/web on node1 has a NIC of ours (10.6.0.1)',
    'nothing was removed: delete these pods or give them another network, and repeat the command',
  ]);
  await kube.get(resources.daemonSets, { name: 'orbweaver-agent', namespace });
});

test('it waits for a pod that ends in time', async () => {
  await kube.pod('web');
  await kube.pool('used', {}, { '10.6.0.1': record('web') });
  const look = kube.before;
  let looks = 0;
  kube.before = async (call) => {
    await look(call);
    if (call.verb !== 'list' || call.plural !== 'pods' || ++looks !== 3) return;
    await kube.delete(resources.pods, { namespace: 'ns', name: 'web' });
  };
  assert.equal(await uninstall(), 0, said.join('\n'));
});

test('a node that is not cleared ends it, and its DaemonSet and the finalizers stay', async () => {
  agentsClearTheirNodes(1);
  await agentPod('node1', 'True');
  await agentPod('node2', 'False');
  assert.equal(await uninstall(), 1);
  assert.match(said.at(-1) ?? '', /^agents: not cleared are the nodes node2 after 5 s/);
  const { spec } = await kube.get(resources.daemonSets, { name: 'orbweaver-agent', namespace });
  assert.deepEqual(spec?.template.spec?.containers?.[0]?.args, ['--config-path=x', '--uninstall']);
  assert.equal((await kube.get(resources.spiderIPPools, { name: 'lan' })).metadata.finalizers?.length, 2);
});

test('a dry run says all of it and writes nothing', async () => {
  await kube.pod('web');
  await kube.pool('used', {}, { '10.6.0.1': record('web') });
  const before = kube.calls.length;
  assert.equal(await uninstall({ dryRun: true }), 1);
  assert.ok(said.includes('would be removed: DaemonSet kube-system/orbweaver-agent'), said.join('\n'));
  assert.match(said.at(-1) ?? '', /^1 pod with a NIC of ours/);
  const verbs = new Set(kube.calls.slice(before).map(({ verb }) => verb));
  assert.deepEqual([...verbs].toSorted(), ['get', 'list']);
});

test('a Secret of that name that is not ours stays, and a list that fails ends it before anything is removed', async () => {
  const ref = { name: 'orbweaver-webhook-certificates', namespace };
  await kube.patch(resources.secrets, ref, { type: 'merge', body: { metadata: { labels: null } } });
  assert.equal(await uninstall(), 0);
  await kube.get(resources.secrets, ref);
  kube.before = ({ verb, plural }) => {
    if (verb === 'list' && plural === 'pods')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'no answer' });
  };
  said = [];
  await assert.rejects(uninstall(), /no answer/);
  assert.deepEqual(said, []);
});
