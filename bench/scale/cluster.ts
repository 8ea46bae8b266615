// The cluster of the scale benchmark: an API server with our kinds, nodes that do not run, and their pods.

import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse as parseYaml } from 'yaml';
import { type CustomResourceDefinition, type KubeObject, type ResourceType, resources } from '#api';
import { isOrbError, silentLogger } from '#base';
import { formatAddress, parseAddress } from '#ip';
import { connect, ifFound, type KubeClient, kubeconfigFile } from '#kube';
import { CONTROLLER_LEASE } from '#plan/installation';
import { type ApiServer, kill, type ServerChoice, startEmbeddedServer, startProgram } from './api-server.ts';
import { startKubeServer } from './kube-server.ts';
import { AGENT_ACCOUNT } from './order.ts';

const crds = join(import.meta.dirname, '../../deploy/crds');
/** How many pods are made at one time. */
const PARALLEL = 16;

/** The records of a pool, and what its counts say. */
export interface PoolRecords {
  /** The holder of each address. */
  readonly holders: ReadonlyMap<
    string,
    { readonly pod: string; readonly podUid: string; readonly nic?: string }
  >;
  readonly allocatedIPCount: number | undefined;
  readonly totalIPCount: number | undefined;
}

/** A pool to make: as many addresses as `count`, the `number`th block of its family. */
export interface PoolWish {
  readonly name: string;
  readonly family: 4 | 6;
  readonly number: number;
  readonly count: number;
}

export class BenchCluster implements AsyncDisposable {
  readonly server: ApiServer;
  readonly client: KubeClient & { close(): void };
  #controller: ChildProcess | undefined;

  private constructor(server: ApiServer) {
    this.server = server;
    this.client = connect(kubeconfigFile(server.kubeconfig), { log: silentLogger });
  }

  /** Our kinds are there when it resolves. */
  static async start(choice: ServerChoice): Promise<BenchCluster> {
    const cluster = new BenchCluster(await startServer(choice));
    for (const name of readdirSync(crds)) {
      const crd = parseYaml(readFileSync(join(crds, name), 'utf8')) as CustomResourceDefinition;
      await unlessThere(cluster.client.create(resources.customResourceDefinitions, crd));
      await cluster.#untilServed(crd.spec.names.plural);
    }
    return cluster;
  }

  get kubeconfig(): string {
    return this.server.kubeconfig;
  }

  /** A kube-apiserver serves a kind a while after its definition is there. */
  async #untilServed(plural: string): Promise<void> {
    const type = Object.values(resources).find((each) => each.plural === plural) as ResourceType | undefined;
    if (type === undefined) throw new Error(`${plural} is no kind of ours`);
    for (;;) {
      try {
        await this.client.list(type);
        return;
      } catch (error) {
        if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
        await sleep(50);
      }
    }
  }

  /** Starts a controller, which leads when this resolves. */
  async startController(): Promise<void> {
    const metadata = { namespace: 'kube-system', name: AGENT_ACCOUNT };
    await unlessThere(this.client.create(resources.serviceAccounts, { metadata }));
    const before = await this.#leader();
    this.#startController();
    while (['', before].includes(await this.#leader())) await sleep(50);
  }

  /** Kills the controller and starts another one, which leads when the Lease of the first has expired. */
  async replaceController(): Promise<void> {
    await kill(this.#controller);
    this.#startController();
  }

  #startController(): void {
    const program = join(import.meta.dirname, '../../dist/controller.mjs');
    const flags = {
      kubeconfig: this.kubeconfig,
      'health-port': 'none',
      'webhook-port': 'none',
      'commit-host': '127.0.0.1',
      'commit-port': '0',
      'log-level': 'error',
    };
    const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    this.#controller = startProgram([process.execPath, program, ...argv], { stdio: 'inherit' });
  }

  /** Empty if nobody leads. */
  #leader(): Promise<string> {
    const lease = { namespace: 'kube-system', name: CONTROLLER_LEASE };
    return this.client.get(resources.leases, lease).then(
      ({ spec }) => spec?.holderIdentity ?? '',
      () => '',
    );
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

  /** Makes the pool. */
  async makePool({ name, family, number, count }: PoolWish): Promise<void> {
    const subnet = family === 4 ? `10.${number}.0.0/16` : `fd00:${number}::/64`;
    const first = parseAddress(family === 4 ? `10.${number}.1.0` : `fd00:${number}::1:0`);
    const last = formatAddress({ ...first, value: first.value + BigInt(count - 1) });
    const ips = [count === 1 ? last : `${formatAddress(first)}-${last}`];
    await this.client.create(resources.spiderIPPools, {
      metadata: { name },
      spec: { subnet, ipVersion: family, ips, default: false, disable: false },
    });
  }

  /** Counts the versions of the pools until the signal aborts. */
  async countWrites(names: readonly string[], signal: AbortSignal): Promise<number> {
    let { resourceVersion } = await this.client.list(resources.spiderIPPools);
    let writes = 0;
    while (!signal.aborted) {
      try {
        for await (const event of this.client.watch(
          resources.spiderIPPools,
          { resourceVersion },
          { signal },
        )) {
          if (event.type === 'BOOKMARK') continue;
          if (names.includes(event.object.metadata.name ?? '')) writes += 1;
          resourceVersion = event.object.metadata.resourceVersion ?? '';
        }
      } catch {
        // The server ends the watch of a client that is too slow. The next one goes on.
        await sleep(10);
      }
    }
    return writes;
  }

  /** The records of the pool. Deletes it. */
  async endPool(name: string): Promise<PoolRecords> {
    const pool = await this.client.get(resources.spiderIPPools, { name });
    const { allocatedIPs = '{}', allocatedIPCount, totalIPCount } = pool.status ?? {};
    const records = JSON.parse(allocatedIPs) as Record<string, { pod: string; podUid: string; nic?: string }>;
    // Admission refuses to delete a pool in use.
    await this.client.updateStatus(resources.spiderIPPools, { ...pool, status: {} });
    await this.client.delete(resources.spiderIPPools, { name });
    // The controller takes its finalizer away. Until then no other pool may have these addresses.
    while ((await ifFound(this.client.get(resources.spiderIPPools, { name }))) !== undefined) await sleep(20);
    return { holders: new Map(Object.entries(records)), allocatedIPCount, totalIPCount };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kill(this.#controller, 'SIGTERM');
    this.client.close();
    await this.server.stop();
  }
}

function startServer(choice: ServerChoice): Promise<ApiServer> | ApiServer {
  if (choice === 'embedded') return startEmbeddedServer();
  return choice === 'kube' ? startKubeServer() : { ...choice, stop: async () => {} };
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
