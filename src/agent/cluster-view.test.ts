// What an agent asks the API server for. A kind that every agent watches costs the server as many times as there are nodes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, type ResourceType, resources } from '#api';
import { silentLogger, systemClock } from '#base';
import type { CallOptions, ObjectList, Selection } from '#kube';
import { FakeKube } from '#kube/testing';
import { ClusterView } from './cluster-view.ts';

/** Remembers the selection of each list. */
class AskedKube extends FakeKube {
  readonly asked = new Map<string, string>();

  override async list<T extends KubeObject>(
    type: ResourceType<T>,
    selection?: Selection,
    options?: CallOptions,
  ): Promise<ObjectList<T>> {
    this.asked.set(type.plural, selection?.fieldSelector ?? 'all');
    return super.list(type, selection, options);
  }
}

test('an agent follows the pods of its own node alone, its own node, and no endpoint', async () => {
  const kube = new AskedKube();
  for (const nodeName of ['node1', 'node2']) {
    await kube.create(resources.pods, {
      metadata: { name: `on-${nodeName}`, namespace: 'default' },
      spec: { nodeName, containers: [] },
    });
  }
  const view = new ClusterView({ client: kube, clock: systemClock, log: silentLogger, nodeName: 'node1' });
  await view.start();
  await view.stop();
  assert.deepEqual(Object.fromEntries(kube.asked), {
    spiderippools: 'all',
    spiderreservedips: 'all',
    pods: 'spec.nodeName=node1',
    namespaces: 'all',
    nodes: 'metadata.name=node1',
    spidercoordinators: 'all',
  });
});
