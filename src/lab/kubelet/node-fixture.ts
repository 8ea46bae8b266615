// For root tests: a node with its kubelet, its folders in one temporary folder, and an API server in memory.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Pod, resources } from '#api';
import { silentLogger, systemClock } from '#base';
import { removeNetns } from '#kernel';
import { FakeKube } from '#kube/testing';
import { readPodRecords } from '../pod-record.ts';
import { type KubeletPaths, runKubelet } from './index.ts';

const referencePlugins = '/usr/lib/cni';

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** A node: its folders in one temporary folder, its kubelet, its API server. */
export class TestNode {
  readonly kube = new FakeKube();
  readonly folder = mkdtempSync(join(tmpdir(), 'kubelet-'));
  readonly paths: KubeletPaths = {
    confFolder: join(this.folder, 'net.d'),
    pluginFolders: [join(this.folder, 'bin'), referencePlugins],
    resultFolder: join(this.folder, 'results'),
    sandboxFolder: join(this.folder, 'sandboxes'),
    netnsFolder: join(this.folder, 'netns'),
    podRecordFolder: join(this.folder, 'pods'),
  };
  #kubelet: { stop(): Promise<void> } | undefined;

  constructor(t: TestContext) {
    for (const name of ['net.d', 'bin', 'netns', 'pods']) mkdirSync(join(this.folder, name));
    t.after(async () => {
      await this.stop();
      for (const name of readdirSync(this.paths.netnsFolder)) removeNetns(join(this.paths.netnsFolder, name));
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  conflist(name: string, plugins: readonly object[], cniVersion = '1.0.0'): string {
    return JSON.stringify({ cniVersion, name, plugins });
  }

  ipam(...subnets: string[]) {
    return {
      type: 'host-local',
      dataDir: join(this.folder, 'leases'),
      ranges: subnets.map((subnet) => [{ subnet }]),
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    };
  }

  /** The cluster's network: a ptp network with both families. */
  writeClusterNetwork(): void {
    const plugins = [{ type: 'ptp', ipam: this.ipam('10.244.1.0/24', 'fd00:10:244:1::/64') }];
    writeFileSync(join(this.paths.confFolder, '10-cluster.conflist'), this.conflist('cluster', plugins));
  }

  writePlugin(name: string, script: string): void {
    const path = join(this.folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${script}`);
    chmodSync(path, 0o755);
  }

  async start(): Promise<void> {
    this.#kubelet = await runKubelet({
      node: { name: 'node1', addresses: ['10.6.212.101', 'fd00:10:6::101'] },
      client: this.kube,
      clock: systemClock,
      log: silentLogger,
      paths: this.paths,
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      backOff: { firstMs: 20, maximumMs: 50 },
    });
  }

  async stop(): Promise<void> {
    await this.#kubelet?.stop();
    this.#kubelet = undefined;
  }

  async createPod(name: string, annotations: Record<string, string> = {}): Promise<Pod> {
    return this.kube.create(resources.pods, {
      metadata: { name, namespace: 'default', annotations },
      spec: { nodeName: 'node1', containers: [{ name: 'c', image: 'test' }] },
    });
  }

  async createNetwork(name: string, config: string): Promise<void> {
    await this.kube.create(resources.networkAttachmentDefinitions, {
      metadata: { name, namespace: 'kube-system' },
      spec: { config },
    });
  }

  pod(name: string): Promise<Pod> {
    return this.kube.get(resources.pods, { namespace: 'default', name });
  }

  /** Waits until the pod is Running. */
  async running(name: string): Promise<Pod> {
    return eventually(async () => {
      const pod = await this.pod(name);
      assert.equal(pod.status?.phase, 'Running');
      return pod;
    });
  }

  /** Deletes a pod as the API server deletes a pod that a kubelet runs: it is first marked as terminating. */
  async deletePod(name: string): Promise<void> {
    const pod = await this.pod(name);
    const finalizers = ['test/hold'];
    await this.kube.patch(resources.pods, refOf(pod), { type: 'merge', body: { metadata: { finalizers } } });
    await this.kube.delete(resources.pods, refOf(pod));
    await eventually(() => {
      assert.ok(this.kube.count('delete', 'pods') >= 2, 'the kubelet has not deleted the pod');
      return Promise.resolve();
    });
    await this.kube.patch(resources.pods, refOf(pod), {
      type: 'merge',
      body: { metadata: { finalizers: [] } },
    });
  }

  leases(network: string): string[] {
    const names = readdirSync(join(this.folder, 'leases', network));
    return names.filter((name) => /^[0-9a-f]+[.:]/.test(name));
  }

  assertNothingLeft(network: string): void {
    assert.deepEqual(readdirSync(this.paths.netnsFolder), []);
    assert.deepEqual(readdirSync(this.paths.sandboxFolder), []);
    assert.deepEqual(readdirSync(this.paths.resultFolder), []);
    assert.deepEqual(readPodRecords(this.paths.podRecordFolder), []);
    assert.deepEqual(this.leases(network), []);
    assert.doesNotMatch(ip('link'), /veth/);
  }
}

function refOf({ metadata: { namespace = '', name = '' } }: Pod) {
  return { namespace, name };
}

export async function eventually<T>(look: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await systemClock.sleep(20);
    }
  }
}
