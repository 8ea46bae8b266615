// Helm installs, upgrades, rolls back and uninstalls a chart that has hooks and its own kind.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { resources } from '#api';
import { silentLogger } from '#base';
import { connect, kubeconfigFile, refOf } from '#kube';
import type { ClientParts } from './clients-play.ts';
import { run } from './command.ts';

const chart = join(import.meta.dirname, 'chart');
/** The Pod of the chart that is a hook. Helm waits until it ends. */
const hookPod = 'shop-migrate';

export async function playHelm({ outcomes, programs, environment, kubectl }: ClientParts): Promise<void> {
  const helm = (...args: string[]) => run([join(programs, 'helm'), ...args], { env: environment });
  /** Runs helm while a kubelet runs. Returns its output, and how many Pods it ran as hooks. */
  const withKubelet = async (...args: string[]): Promise<{ said: string; hooks: number }> => {
    const kubelet = new AbortController();
    const finishing = finishHooks(environment.KUBECONFIG, kubelet.signal);
    try {
      const said = await helm(...args, '--timeout', '60s');
      kubelet.abort();
      return { said, hooks: await finishing };
    } finally {
      kubelet.abort();
    }
  };
  const at = (kind: string, name: string, path: string) =>
    kubectl(['get', kind, name, '-o', `jsonpath=${path}`]);
  const state = async () => ({
    greeting: await at('configmap', 'shop-settings', '{.data.greeting}'),
    replicas: await at('deployment', 'shop', '{.spec.replicas}'),
    cart: await at('cart', 'shop', '{.spec.size}'),
    before: await at('configmap', 'shop-before', '{.data.greeting}'),
  });

  await outcomes.require(
    'helm install creates objects and a custom kind, and runs its hooks before and after',
    async () => {
      const { said, hooks } = await withKubelet('install', 'shop', chart);
      assert.match(said, /STATUS: deployed\nREVISION: 1/);
      assert.deepEqual(await state(), { greeting: 'hello', replicas: '1', cart: '1', before: 'hello' });
      assert.equal(hooks, 1);
    },
  );
  await outcomes.require('helm upgrade changes objects in place and runs the hooks again', async () => {
    const uid = await at('deployment', 'shop', '{.metadata.uid}');
    const { said, hooks } = await withKubelet('upgrade', 'shop', chart, '--set', 'greeting=hi,replicas=2');
    assert.match(said, /has been upgraded/);
    assert.deepEqual(await state(), { greeting: 'hi', replicas: '2', cart: '2', before: 'hi' });
    assert.equal(await at('deployment', 'shop', '{.metadata.uid}'), uid);
    assert.equal(hooks, 1);
  });
  await outcomes.check('helm rollback restores the objects of the first revision', async () => {
    const { said, hooks } = await withKubelet('rollback', 'shop', '1');
    assert.match(said, /Rollback was a success/);
    const { before: _hook, ...objects } = await state();
    assert.deepEqual(objects, { greeting: 'hello', replicas: '1', cart: '1' });
    assert.equal(hooks, 1);
  });
  await outcomes.check('helm list and helm history know the revisions', async () => {
    assert.match(await helm('list'), /^shop\s+default\s+3\s/m);
    assert.match(await helm('history', 'shop'), /superseded.*superseded.*deployed .*Rollback to 1/s);
  });
  await outcomes.check(
    'helm uninstall deletes its objects after the hook, and keeps the custom kind',
    async () => {
      const { said, hooks } = await withKubelet('uninstall', 'shop', '--wait');
      assert.match(said, /release "shop" uninstalled/);
      assert.equal(hooks, 1);
      const label = ['--selector', 'app.kubernetes.io/managed-by=Helm', '-o', 'name'];
      assert.equal(
        await kubectl(['get', 'deployments,services,configmaps,serviceaccounts,carts', ...label]),
        '',
      );
      assert.match(await kubectl(['get', 'crd', 'carts.shop.example.com', '-o', 'name']), /carts/);
    },
  );
}

/** Acts as the kubelet: ends each Pod that is a hook, and returns how many there were. */
async function finishHooks(kubeconfig: string, signal: AbortSignal): Promise<number> {
  const kube = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  const finished = new Set<string | undefined>();
  while (!signal.aborted) {
    const { items } = await kube.list(resources.pods, { namespace: 'default' });
    for (const pod of items) {
      const { metadata } = pod;
      if (metadata.name !== hookPod || finished.has(metadata.uid)) continue;
      const change = {
        type: 'merge',
        subresource: 'status',
        body: { status: { phase: 'Succeeded' } },
      } as const;
      await kube.patch(resources.pods, refOf(pod), change);
      finished.add(metadata.uid);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  kube.close();
  return finished.size;
}
