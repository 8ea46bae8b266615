// A controller made with controller-runtime: leader election, watches, Create, Update, Patch, status, finalizers, Events.
// test/kube/clients/controller.go describes it: each ConfigMap is an order, and the controller makes a Deployment for it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClientParts } from './clients-play.ts';
import { until } from './command.ts';

export async function playController({
  outcomes,
  programs,
  environment,
  kubectl,
}: ClientParts): Promise<void> {
  const replicas: Replica[] = [];
  const start = () => {
    const replica = new Replica(join(programs, 'clients'), environment);
    replicas.push(replica);
    return replica;
  };
  const at = (kind: string, name: string, path: string) =>
    kubectl(['get', kind, name, '--ignore-not-found', '-o', `jsonpath=${path}`]);
  const lease = (path: string) => at('lease', 'orders', `{.spec.${path}}`);
  /** Waits for a value. When it does not come, the error has the output of the replica. */
  const becomes = async (what: string, ask: () => Promise<string>, wanted: RegExp) => {
    try {
      return await until(what, 30, async () => {
        const found = await ask();
        return wanted.test(found) ? found : false;
      });
    } catch (error) {
      const said = replicas.map((replica) => replica.said.slice(-2000)).join('\n');
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`);
    }
  };
  const served = (wanted: string) =>
    becomes(
      `${wanted} served`,
      () => at('configmap', 'order', '{.metadata.annotations.example\\.com/served}'),
      new RegExp(`^${wanted}$`),
    );

  try {
    const first = start();
    await outcomes.require('a controller becomes the leader and renews its Lease', async () => {
      const holder = await becomes('a leader', () => lease('holderIdentity'), /./);
      const renewed = await lease('renewTime');
      assert.match(renewed, /\.\d{6}Z$/);
      await becomes('a renewal', () => lease('renewTime'), new RegExp(`^(?!${renewed}$).`));
      assert.equal(await lease('holderIdentity'), holder);
    });
    await outcomes.require('another replica becomes the leader when the first is killed', async () => {
      const holder = await lease('holderIdentity');
      start();
      await first.kill();
      await becomes('another leader', () => lease('holderIdentity'), new RegExp(`^(?!${holder}$).`));
      assert.equal(await lease('leaseTransitions'), '1');
    });
    await outcomes.check('an order gets its finalizer, its Deployment, its status and an Event', async () => {
      const metadata = { name: 'order', labels: { 'example.com/order': '' } };
      const order = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { size: '2' } };
      await kubectl(['create', '-f', '-'], JSON.stringify(order));
      await served('2');
      assert.equal(await at('configmap', 'order', '{.metadata.finalizers}'), '["example.com/served"]');
      assert.equal(await at('deployment', 'order', '{.spec.replicas} {.status.replicas}'), '2 2');
      const owner = '{.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].controller}';
      assert.equal(await at('deployment', 'order', owner), 'ConfigMap true');
      await becomes(
        'an Event',
        () => kubectl(['get', 'events', '-o', 'jsonpath={.items[*].message}']),
        /2 served/,
      );
    });
    await outcomes.check('a changed order changes its Deployment, and the watch reports it', async () => {
      await kubectl(['patch', 'configmap', 'order', '--type=merge', '-p', '{"data":{"size":"3"}}']);
      await served('3');
      assert.equal(await at('deployment', 'order', '{.spec.replicas} {.status.replicas}'), '3 3');
    });
    await outcomes.check('a second apply of the controller makes no new version', async () => {
      const version = () => at('service', 'order', '{.metadata.resourceVersion}');
      const looks = () => replicas.map(({ said }) => said.split('looked at').length).join();
      const [before, looked] = [await version(), looks()];
      assert.match(before, /^\d+$/);
      // The times of managed fields have whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await kubectl(['annotate', 'configmap', 'order', 'example.com/look=again']);
      await becomes('another look', async () => looks(), new RegExp(`^(?!${looked}$).`));
      assert.equal(await version(), before);
    });
    await outcomes.check('the controller undoes a foreign change of the Deployment', async () => {
      await kubectl(['scale', 'deployment', 'order', '--replicas=7']);
      await becomes('3 replicas', () => at('deployment', 'order', '{.spec.replicas}'), /^3$/);
    });
    await outcomes.check(
      'an order is deleted when its finalizer is removed, and its Deployment is deleted with it',
      async () => {
        await kubectl(['delete', 'configmap', 'order', '--timeout=30s']);
        await becomes('no Deployment', () => at('deployment', 'order', '{.metadata.name}'), /^$/);
      },
    );
  } finally {
    for (const replica of replicas) await replica.kill();
  }
}

/** One process of the controller. */
class Replica {
  said = '';
  readonly #process: ChildProcess;

  constructor(program: string, environment: Readonly<Record<string, string>>) {
    this.#process = spawn(program, ['controller'], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.said += chunk.toString();
    });
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
