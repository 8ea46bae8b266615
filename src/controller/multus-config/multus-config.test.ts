// What the controller of SpiderMultusConfigs writes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NetworkAttachmentDefinition, resources, type SpiderMultusConfig } from '#api';
import type { Action } from '#reconcile';
import { TestCluster } from '#reconcile/testing';
import { networkKinds } from '../kinds.ts';
import { multusConfigController } from './multus-config.ts';

const NOW = '2026-01-01T00:01:00Z';
const config: SpiderMultusConfig = resources.spiderMultusConfigs.schema.parse({
  metadata: { name: 'net', uid: 'u1' },
  spec: { cniType: 'macvlan', macvlan: { master: ['eth0'] } },
});

async function planned(metadata: object, before?: string) {
  const cluster = new TestCluster(networkKinds);
  const existing: NetworkAttachmentDefinition = resources.networkAttachmentDefinitions.schema.parse({
    metadata: { name: 'net', ...metadata },
    spec: { ...(before && { config: before }) },
  });
  cluster.put('configs', config);
  cluster.put('definitions', existing);
  const { signal } = new AbortController();
  const plan = async (): Promise<readonly Action[]> => {
    const actions = await multusConfigController.plan('default/net', cluster.state, NOW, signal);
    return 'actions' in actions ? actions.actions : actions;
  };
  const first = await plan();
  cluster.perform(first);
  const told = (one: Action) => (one.verb === 'event' ? `${one.note.reason}: ${one.note.message}` : one.verb);
  return { first: first.map(told), again: (await plan()).map(told) };
}

test('a definition without owner is taken over once, with an Event that shows what it said', async () => {
  const taken =
    'TookOver: the net-attach-def default/net had no owner, and is kept as this object says from now on';
  const { first, again } = await planned({}, '{"type":"mine"}');
  assert.deepEqual(first, ['patch', `${taken}; its configuration was {"type":"mine"}`]);
  assert.deepEqual(again, ['patch'], 'the status');
  assert.deepEqual((await planned({})).first, ['patch', taken]);
  const [, long = ''] = (await planned({}, 'x'.repeat(5_000))).first;
  assert.ok(long.length < 1_024 + 'TookOver: '.length, 'the API server takes no longer Event');
});

test('a definition of its own is put back without a word', async () => {
  const owner = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderMultusConfig', name: 'net' };
  const ownerReferences = [{ ...owner, uid: 'u1', controller: true }];
  assert.deepEqual((await planned({ ownerReferences }, '{"type":"edited"}')).first, ['patch']);
});
