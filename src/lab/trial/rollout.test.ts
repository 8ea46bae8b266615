// What the lab waits for before it applies anything: every node is ready, so that pods are spread over all of them, and
// the networks of the cluster are known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, type ResourceType, resources, type SpiderCoordinator } from '#api';
import { FakeClock } from '#base/testing';
import type { KubeClient } from '#kube';
import { awaitCluster } from './rollout.ts';

function node(name: string, ready?: boolean): Node {
  const conditions =
    ready === undefined ? [] : [{ type: 'Ready', status: ready ? 'True' : 'False' } as const];
  return { metadata: { name }, status: { conditions } };
}

const synced: SpiderCoordinator = { metadata: { name: 'default' }, status: { phase: 'Synced' } };

function waiting(nodes: readonly Node[], coordinator = synced) {
  const clock = new FakeClock();
  const seen = { nodes, coordinator, ended: false };
  const list = async (type: ResourceType) => ({
    items: type === resources.nodes ? seen.nodes : [seen.coordinator],
  });
  const client = { list } as unknown as KubeClient;
  const { signal: stop } = new AbortController();
  const wait = awaitCluster({ client, clock, nodeCount: 2, timeoutMs: 1000, stop }).then(() => {
    seen.ended = true;
  });
  /** Lets the calls that wait for the client go on before time passes. */
  const pass = async (ms: number) => {
    await new Promise(setImmediate);
    await clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { pass, seen, wait };
}

test('one ready node is not enough, because it would get all pods', async () => {
  const { pass, seen, wait } = waiting([node('node1', true), node('node2')]);
  await pass(100);
  assert.equal(seen.ended, false);
  seen.nodes = [node('node1', true), node('node2', true)];
  await pass(100);
  await wait;
});

test('the error names a node that does not get ready', async () => {
  const { pass, wait } = waiting([node('node1', true), node('node2', false)]);
  const refused = assert.rejects(wait, {
    message: 'after 1 s not everything is ready: 1 of 2 nodes are ready, not node2',
  });
  await pass(1100);
  await refused;
});

test('pods wait for the networks of the cluster, and the error says why they are not known', async () => {
  const nodes = [node('node1', true), node('node2', true)];
  const reason = 'kubeadm-config is missing';
  const missing = { ...synced, status: { phase: 'NotReady', reason } };
  const { pass, seen, wait } = waiting(nodes, missing);
  await pass(100);
  assert.equal(seen.ended, false);
  const late = waiting(nodes, missing);
  const refused = assert.rejects(late.wait, {
    message:
      'after 1 s not everything is ready: SpiderCoordinator default is not Synced: kubeadm-config is missing',
  });
  await late.pass(1100);
  await refused;
  seen.coordinator = synced;
  await pass(100);
  await wait;
});
