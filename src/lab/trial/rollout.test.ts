// What the lab waits for before it applies anything: every node ready, so that pods are spread over all of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api';
import { FakeClock } from '#base/testing';
import type { KubeClient } from '#kube';
import { awaitNodes } from './rollout.ts';

function node(name: string, ready?: boolean): Node {
  const conditions =
    ready === undefined ? [] : [{ type: 'Ready', status: ready ? 'True' : 'False' } as const];
  return { metadata: { name }, status: { conditions } };
}

function waiting(nodes: readonly Node[]) {
  const clock = new FakeClock();
  const seen = { nodes, ended: false };
  const client = { list: async () => ({ items: seen.nodes }) } as unknown as KubeClient;
  const { signal: stop } = new AbortController();
  const wait = awaitNodes({ client, clock, nodeCount: 2, timeoutMs: 1000, stop }).then(() => {
    seen.ended = true;
  });
  return { clock, seen, wait };
}

test('one ready node is not enough, because it would get all pods', async () => {
  const { clock, seen, wait } = waiting([node('node1', true), node('node2')]);
  await clock.advance(100);
  assert.equal(seen.ended, false);
  seen.nodes = [node('node1', true), node('node2', true)];
  await clock.advance(100);
  await wait;
});

test('the error names a node that does not get ready', async () => {
  const { clock, wait } = waiting([node('node1', true), node('node2', false)]);
  const refused = assert.rejects(wait, { message: 'after 1 s 1 of 2 nodes are ready, not node2' });
  await clock.advance(1100);
  await refused;
});
