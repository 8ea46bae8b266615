// The cluster of the scale benchmark: an API server with our kinds, nodes that do not run, and their pods.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse as parseYaml } from 'yaml';
import { type CustomResourceDefinition, type KubeObject, resources } from '#api';
import { isOrbError, silentLogger } from '#base';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import { CONTROLLER_LEASE } from '#pools';
import { AGENT_ACCOUNT } from './order.ts';

const crds = join(import.meta.dirname, '../../deploy/crds');
/** How many pods are made at one time. */
const PARALLEL = 16;

export class BenchCluster implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly client: KubeClient & { close(): void };
  readonly #server: ChildProcess | undefined;
  readonly #folder: string | undefined;
  #controller: ChildProcess | undefined;

  private constructor(kubeconfig: string, server?: ChildProcess, folder?: string) {
    this.kubeconfig = kubeconfig;
    this.client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
    this.#server = server;
    this.#folder = folder;
  }

  /** Starts the embedded API server, or takes the one that the file names. Our kinds are then there. */
  static async start(kubeconfig?: string): Promise<BenchCluster> {
    const cluster = kubeconfig === undefined ? await BenchCluster.#embedded() : new BenchCluster(kubeconfig);
    for (const name of readdirSync(crds)) {
      const crd = parseYaml(readFileSync(join(crds, name), 'utf8')) as CustomResourceDefinition;
      await unlessThere(cluster.client.create(resources.customResourceDefinitions, crd));
    }
    return cluster;
  }

  static async #embedded(): Promise<BenchCluster> {
    const folder = mkdtempSync('/var/tmp/orbweaver-bench-');
    const file = (name: string) => join(folder, name);
    writeFileSync(file('token'), 'a-token-of-the-benchmark-that-is-long-enough', { mode: 0o600 });
    const program = join(import.meta.dirname, '../../dist/apiserver.mjs');
    const flags = [
      '--data-dir',
      file('api'),
      '--token-file',
      file('token'),
      '--kubeconfig',
      file('kubeconfig'),
    ];
    const server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(server.stdout, 'data');
    return new BenchCluster(file('kubeconfig'), server, folder);
  }

  /** Starts a controller, which leads when this resolves. */
  async startController(): Promise<void> {
    const metadata = { namespace: 'kube-system', name: AGENT_ACCOUNT };
    await unlessThere(this.client.create(resources.serviceAccounts, { metadata }));
    const program = join(import.meta.dirname, '../../dist/controller.mjs');
    const flags = ['--kubeconfig', this.kubeconfig, '--health-port', 'none', '--log-level', 'warn'];
    const address = ['--commit-host', '127.0.0.1', '--commit-port', '0'];
    this.#controller = spawn(process.execPath, [program, ...flags, ...address], { stdio: 'inherit' });
    const lease = { namespace: 'kube-system', name: CONTROLLER_LEASE };
    const leads = () =>
      this.client.get(resources.leases, lease).then(
        ({ spec }) => spec?.holderIdentity,
        () => '',
      );
    while (!(await leads())) await sleep(50);
  }

  /** Makes `podsPerNode` pods for each node, unless they are there. */
  async makePods(nodes: readonly string[], podsPerNode: number): Promise<void> {
    const names = nodes.flatMap((node) =>
      Array.from({ length: podsPerNode }, (_, i) => [node, `${node}-${i}`]),
    );
    let next = 0;
    const make = async () => {
      while (next < names.length) {
        const [nodeName, name] = names[next++] as [string, string];
        const spec = { nodeName, containers: [{ name: 'c', image: 'i' }] };
        await unlessThere(
          this.client.create(resources.pods, { metadata: { name, namespace: 'default' }, spec }),
        );
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, make));
  }

  /** Makes Deployments whose pods ask for addresses of the subnet. The pods are spread over the nodes. */
  async makeApplications(wish: {
    readonly subnet: string;
    readonly nodes: readonly string[];
    readonly applications: number;
    readonly pods: number;
  }): Promise<void> {
    const { subnet, nodes, applications, pods } = wish;
    const annotations = {
      'ipam.spidernet.io/subnet': JSON.stringify({ ipv4: [subnet] }),
      'ipam.spidernet.io/ippool-ip-number': '+0',
    };
    const containers = [{ name: 'c', image: 'i' }];
    let pod = 0;
    for (let i = 0; i < applications; i++) {
      const name = `${subnet}-${i}`;
      const labels = { app: name };
      const template = { metadata: { annotations, labels }, spec: { containers } };
      const spec = { selector: { matchLabels: labels }, template, replicas: pods };
      const place = { namespace: 'default', name };
      const deployment = await this.client.create(resources.deployments, { metadata: place, spec });
      const set = await this.client.create(resources.replicaSets, {
        metadata: { ...place, ownerReferences: [ownedBy(deployment, 'Deployment')] },
        spec,
      });
      const ownerReferences = [ownedBy(set, 'ReplicaSet')];
      await Promise.all(
        Array.from({ length: pods }, () => {
          const number = pod++;
          const nodeName = nodes[number % nodes.length] ?? '';
          const metadata = { namespace: 'default', name: `${nodeName}-${Math.floor(number / nodes.length)}` };
          return this.client.create(resources.pods, {
            metadata: { ...metadata, annotations, labels, ownerReferences },
            spec: { containers, nodeName },
          });
        }),
      );
    }
  }

  /** Makes a pool with `count` addresses. */
  async makePool(name: string, count: number): Promise<void> {
    const last = `10.6.${1 + Math.floor((count - 1) / 250)}.${((count - 1) % 250) + 1}`;
    const blocks = Array.from({ length: Math.ceil(count / 250) }, (_, index) => {
      const end = (index + 1) * 250 >= count ? last : `10.6.${index + 1}.250`;
      return end === `10.6.${index + 1}.1` ? end : `10.6.${index + 1}.1-${end}`;
    });
    await this.client.create(resources.spiderIPPools, {
      metadata: { name },
      spec: { subnet: '10.6.0.0/16', ips: blocks, default: false, disable: false },
    });
  }

  /** Counts the versions of a pool until the signal aborts. */
  async countWrites(name: string, signal: AbortSignal): Promise<number> {
    const { metadata } = await this.client.get(resources.spiderIPPools, { name });
    let { resourceVersion = '' } = metadata;
    let writes = 0;
    while (!signal.aborted) {
      const selection = { fieldSelector: `metadata.name=${name}`, resourceVersion };
      try {
        for await (const event of this.client.watch(resources.spiderIPPools, selection, { signal })) {
          if (event.type === 'BOOKMARK') continue;
          writes += 1;
          resourceVersion = event.object.metadata.resourceVersion ?? '';
        }
      } catch {
        // The server ends the watch of a client that is too slow. The next one goes on.
      }
    }
    return writes;
  }

  /** The names of the pods that hold an address of the pool, by address. Deletes the pool. */
  async endPool(name: string): Promise<Map<string, string>> {
    const pool = await this.client.get(resources.spiderIPPools, { name });
    const records = JSON.parse(pool.status?.allocatedIPs ?? '{}') as Record<string, { pod: string }>;
    // Admission refuses to delete a pool in use.
    await this.client.updateStatus(resources.spiderIPPools, { ...pool, status: {} });
    await this.client.delete(resources.spiderIPPools, { name });
    return new Map(Object.entries(records).map(([address, { pod }]) => [address, pod]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#controller !== undefined) {
      this.#controller.kill();
      await once(this.#controller, 'exit');
    }
    this.client.close();
    if (this.#server !== undefined) {
      this.#server.kill();
      await once(this.#server, 'exit');
    }
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

function ownedBy({ metadata }: KubeObject, kind: string) {
  return {
    apiVersion: 'apps/v1',
    kind,
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    controller: true,
  };
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!isOrbError(error, 'KUBE_ALREADY_EXISTS')) throw error;
  }
}
