// A node is lost: its agent was killed, its pods never got a DEL, and its Node object is deleted. The controller, without
// any capability, frees what nobody needs again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { resources } from '#api';
import { isOrbError } from '#base';
import { insideNamespaces } from './namespaces.ts';
import { nodeName, OneNode } from './one-node.ts';
import { Daemon, until } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';

const root = join(import.meta.dirname, '../..');

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'] });
  const namespace = 'default';
  let node: OneNode;
  let controller: Daemon;

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    controller = new Daemon('controller', node.folder, [
      ...(['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'] as const),
      ...[process.execPath, join(root, 'dist/controller.mjs'), '--health-port', 'none'],
      ...['--webhook-port', 'none', '--kubeconfig', node.kubeconfig],
    ]);
  });
  after(async () => {
    await controller.stop('SIGKILL');
    Sandbox.dropAll();
    await node.stop();
  });

  async function attached(name: string): Promise<void> {
    await runtime.add(network, await Sandbox.ofNewPod(node, name));
    await until(`pod ${name} has an endpoint`, () => hasEndpoint(name));
  }

  async function hasEndpoint(name: string): Promise<boolean> {
    try {
      await node.client.get(resources.spiderEndpoints, { name, namespace });
      return true;
    } catch (error) {
      if (isOrbError(error, 'KUBE_NOT_FOUND')) return false;
      throw error;
    }
  }

  async function holders(): Promise<string[]> {
    return Object.values(await node.held('v4'))
      .map(({ pod }) => pod)
      .toSorted();
  }

  function orbctl(...args: string[]): string {
    const env = { ...process.env, KUBECONFIG: node.kubeconfig };
    return execFileSync(process.execPath, [join(root, 'dist/orbctl.mjs'), ...args], {
      env,
      encoding: 'utf8',
    });
  }

  test('the address of a lost pod is freed with its endpoint, a fixed one stays until its StatefulSet shrinks', async () => {
    const labels = { app: 'db' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const spec = { replicas: 1, serviceName: 'db', selector: { matchLabels: labels }, template };
    await node.client.create(
      resources.statefulSets,
      resources.statefulSets.schema.parse({ metadata: { name: 'db', namespace }, spec }),
    );
    await attached('web');
    await attached('db-0');
    await node.agent.stop('SIGKILL');
    // This node's kubelet never sends a DEL. The cluster's collector of pods deletes them by force.
    await node.client.delete(resources.nodes, { name: nodeName });
    for (const name of ['web', 'db-0']) {
      await node.client.delete(resources.pods, { name, namespace }, { gracePeriodSeconds: 0 });
    }
    assert.deepEqual(await holders(), ['default/db-0', 'default/web']);

    const { addresses } = JSON.parse(orbctl('gc', '--dry-run', '-o', 'json')) as {
      addresses: { pod: string; verdict: string; reason: string }[];
    };
    const verdicts = Object.fromEntries(addresses.map(({ pod, verdict }) => [pod, verdict]));
    assert.deepEqual(verdicts, { 'default/db-0': 'keep', 'default/web': 'free' });
    assert.deepEqual(await holders(), ['default/db-0', 'default/web']);

    await controller.start(() => controller.log.includes('the controller has read the cluster'));
    // Nothing says on which node the pod ran, so the leader gives agents 45 s to come.
    await until('the leak is freed', async () => (await holders()).length === 1, 90_000);
    assert.deepEqual(await holders(), ['default/db-0']);
    await until('its endpoint is gone', async () => !(await hasEndpoint('web')));

    const body = { spec: { replicas: 0 } };
    await node.client.patch(resources.statefulSets, { name: 'db', namespace }, { type: 'merge', body });
    await until('the ordinal is given up', async () => (await holders()).length === 0);
    assert.match(orbctl('gc'), /^0 recorded addresses: 0 freed/);
  });
}
