// The scheduler and the EndpointSlices of Services, each as a plan.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, Service } from '#api';
import { desiredSlices } from './endpoint-slices.ts';
import { LabCluster, now, ready } from './plans-fixture.ts';
import { chooseNode, scheduler } from './scheduler.ts';

function node(name: string, { labels = {}, unschedulable = false, isReady = true } = {}): Node {
  const status = isReady ? ('True' as const) : ('False' as const);
  return {
    metadata: { name, labels },
    spec: { unschedulable },
    status: { conditions: [{ type: 'Ready', status }] },
  };
}

function pod(name: string, owner: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true };
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, ownerReferences: [reference] },
    spec: { containers: [], ...spec },
  };
}

const chosen = (candidate: Pod, nodes: Node[], pods: Pod[]) =>
  chooseNode(candidate, nodes, pods)?.metadata.name;

test('pods of one owner are spread first, and then by load', () => {
  const pods = [
    pod('a1', 'a', { nodeName: 'node1' }),
    pod('b1', 'b', { nodeName: 'node2' }),
    pod('b2', 'b', { nodeName: 'node2' }),
  ];
  const nodes = [node('node1'), node('node2')];
  assert.equal(chosen(pod('a2', 'a'), nodes, pods), 'node2');
  assert.equal(chosen(pod('c1', 'c'), nodes, pods), 'node1');
});

test('nodes that are not ready, are unschedulable or lack a label are skipped', () => {
  const nodes = [
    node('node1', { isReady: false }),
    node('node2', { unschedulable: true }),
    node('node3'),
    node('node4', { labels: { disk: 'fast' } }),
  ];
  assert.equal(chosen(pod('a1', 'a'), nodes, []), 'node3');
  assert.equal(chosen(pod('a1', 'a', { nodeSelector: { disk: 'fast' } }), nodes, []), 'node4');
  assert.equal(chosen(pod('a1', 'a', { nodeSelector: { disk: 'slow' } }), nodes, []), undefined);
});

test('a pod that fits no node gets the condition and one Event that counts the reasons, until they change', () => {
  const cluster = new LabCluster();
  cluster.put(
    'nodes',
    node('node1', { isReady: false }),
    node('node2', { unschedulable: true }),
    node('node3'),
    node('node4'),
  );
  cluster.put('pods', pod('p', 'a', { nodeSelector: { disk: 'fast' } }));
  const plan = () => scheduler.plan('default/p', cluster.state, now);
  const first = plan();
  const message =
    "0/4 nodes are available: 1 node(s) were not ready, 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.";
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastTransitionTime: now,
  };
  const [patch, event] = first;
  assert.deepEqual(patch?.verb === 'patch' && patch.body.status, { conditions: [condition] });
  assert.deepEqual(event?.verb === 'event' && event.note, {
    type: 'Warning',
    reason: 'FailedScheduling',
    message,
  });
  cluster.perform(first);
  assert.deepEqual(plan(), []);
  cluster.put('nodes', node('node2'));
  assert.equal(plan().length, 2);
});

function served(name: string, ips: string[], containerPort: number): Pod {
  const ports = [{ name: 'web', containerPort }];
  const made = ready(pod(name, 'a', { nodeName: 'node1', containers: [{ name: 'c', ports }] }));
  return { ...made, status: { ...made.status, podIPs: ips.map((ip) => ({ ip })) } };
}

const service: Service = {
  metadata: { name: 'web', namespace: 'default', uid: 'uid-web' },
  spec: {
    selector: { app: 'a' },
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'same', port: 53, protocol: 'UDP' },
    ],
  },
};

test('each family has a slice with only its own addresses', () => {
  const pods = [served('b', ['10.6.0.9', 'fd00::9'], 8080), served('a', ['10.6.0.1'], 8080)];
  const slices = desiredSlices(service, pods);
  assert.deepEqual([...slices.keys()], ['web-ipv4', 'web-ipv6']);
  const addresses = (name: string) => slices.get(name)?.endpoints?.map((endpoint) => endpoint.addresses[0]);
  assert.deepEqual(addresses('web-ipv4'), ['10.6.0.1', '10.6.0.9']);
  assert.deepEqual(addresses('web-ipv6'), ['fd00::9']);
  assert.deepEqual(slices.get('web-ipv6')?.endpoints?.[0], {
    addresses: ['fd00::9'],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'node1',
    targetRef: { kind: 'Pod', name: 'b', namespace: 'default', uid: 'uid-b' },
  });
  assert.deepEqual(slices.get('web-ipv4')?.ports, [
    { name: 'http', port: 8080, protocol: 'TCP' },
    { name: 'same', port: 53, protocol: 'UDP' },
  ]);
});

test('pods that use different ports under one name are in different slices', () => {
  const pods = [served('a', ['10.6.0.1'], 8080), served('b', ['10.6.0.2'], 9090)];
  const slices = desiredSlices(service, pods);
  const ports = Array.from(slices.values(), (slice) => [
    slice.endpoints?.[0]?.addresses[0],
    slice.ports?.find(({ name }) => name === 'http')?.port,
  ]);
  assert.deepEqual(
    ports.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    [
      ['10.6.0.1', 8080],
      ['10.6.0.2', 9090],
    ],
  );
});

test('a pod that is not ready or is terminating gets no traffic, unless publishNotReadyAddresses is set', () => {
  const slow = { ...served('a', ['10.6.0.1'], 8080) };
  slow.status = { ...slow.status, conditions: [] };
  const going = served('b', ['10.6.0.2'], 8080);
  going.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const conditions = (one: Service) =>
    desiredSlices(one, [slow, going])
      .get('web-ipv4')
      ?.endpoints?.map((endpoint) => endpoint.conditions);
  assert.deepEqual(conditions(service), [
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
  ]);
  const tolerant = { ...service, spec: { ...service.spec, publishNotReadyAddresses: true } };
  assert.equal(conditions(tolerant)?.[0]?.ready, true);
});
