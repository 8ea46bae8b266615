// The reclaiming controllers on an API server in memory, with a clock that tests move.

import {
  type KubeObject,
  type Pod,
  type PoolAllocations,
  type ResourceType,
  resources,
  type SpiderEndpoint,
  type StatefulSet,
} from '#api';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { IaasProvider } from '#iaas';
import { noProvider } from '#iaas/testing';
import type { CallOptions, Selection, WatchEvent } from '#kube';
import { FakeKube } from '#kube/testing';
import { defaultReclaimSettings, type ReclaimSettings } from '#plan/reclaim';
import type { AskNode } from '#reclaim';
import { Controllers, Informers } from '#reconcile';
import { addressKinds, claimKinds } from '../kinds.ts';
import { reclaimControllers } from './index.ts';

/** Watches of kinds in `blind` show nothing. */
class HalfBlindKube extends FakeKube {
  readonly blind = new Set<string>();

  override async *watch<T extends KubeObject>(
    ...given: [ResourceType<T>, Selection & { readonly resourceVersion: string }, CallOptions]
  ): AsyncGenerator<WatchEvent<T>> {
    for await (const event of super.watch(...given)) if (!this.blind.has(given[0].plural)) yield event;
  }
}

export class Stage {
  readonly kube = new HalfBlindKube();
  readonly clock = new FakeClock();
  readonly counts = { freed: 0, failed: 0, conflicted: 0 };
  /** What the agents answer. */
  askNode: AskNode = async () => 'unknown';
  iaas: Pick<IaasProvider, 'isThere' | 'release'> = noProvider;
  #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #informers: Informers<typeof addressKinds> | undefined;
  #claims: Informers<typeof claimKinds> | undefined;

  /** RFC 3339 text of a time so many seconds from now. */
  at(seconds: number): string {
    return new Date(this.clock.now() + seconds * 1000).toISOString();
  }

  async start(settings: Partial<ReclaimSettings> = {}): Promise<void> {
    const shared = { client: this.kube, clock: this.clock, log: silentLogger };
    const { counts } = this;
    const claims = new Informers(shared, claimKinds);
    this.#claims = claims;
    const parts = {
      ...shared,
      claims,
      iaas: this.iaas,
      askNode: (...asked: Parameters<AskNode>) => this.askNode(...asked),
      metrics: {
        freed: (addresses: number) => {
          counts.freed += addresses;
        },
        failed: () => {
          counts.failed += 1;
        },
        conflicted: () => {
          counts.conflicted += 1;
        },
      },
    };
    // Most records of the tests are of pods that nobody ever saw.
    const impatient = { ...defaultReclaimSettings, unknownNodePatienceMs: 0 };
    const reclaiming = { settings: { ...impatient, ...settings }, scanIntervalMs: 600_000 };
    this.#informers = new Informers(shared, addressKinds);
    const controllers = new Controllers({
      ...{ ...shared, informers: this.#informers },
      controllers: reclaimControllers(parts, reclaiming),
    });
    void this.#informers.start();
    void claims.start();
    this.#stop = new AbortController();
    this.#running = controllers.run(this.#stop.signal);
    await this.settle();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await Promise.all([this.#informers?.stop(), this.#claims?.stop()]);
    await this.#running;
  }

  /** Lets everything run that does not wait for the clock. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 150; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass second by second, so that each look sees what the one before did. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 5) {
      await this.clock.advance(5_000);
      await this.settle();
    }
  }

  async pool(name: string, records: PoolAllocations): Promise<void> {
    const spec = { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.255.250'], default: false, disable: false };
    const status = { allocatedIPs: JSON.stringify(records), allocatedIPCount: Object.keys(records).length };
    await this.kube.create(resources.spiderIPPools, { metadata: { name }, spec, status });
  }

  /** The addresses that the pool records. */
  async held(name: string): Promise<string[]> {
    const { status } = await this.kube.get(resources.spiderIPPools, { name });
    return Object.keys(JSON.parse(status?.allocatedIPs ?? '{}') as object);
  }

  /** A running pod `ns/NAME` with UID `uid-NAME` on node1. */
  pod(name: string, more: { metadata?: object; status?: object; spec?: object } = {}): Promise<Pod> {
    return this.kube.create(
      resources.pods,
      resources.pods.schema.parse({
        metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...more.metadata },
        spec: { nodeName: 'node1', containers: [{ name: 'c' }], ...more.spec },
        status: { phase: 'Running', podIPs: [{ ip: '10.244.0.9' }], ...more.status },
      }),
    );
  }

  node(name = 'node1', ready = true): Promise<KubeObject> {
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    return this.kube.create(
      resources.nodes,
      resources.nodes.schema.parse({ metadata: { name }, status: { conditions } }),
    );
  }

  statefulSet(name: string, replicas: number): Promise<StatefulSet> {
    const spec = { selector: {}, template: {}, replicas };
    return this.kube.create(
      resources.statefulSets,
      resources.statefulSets.schema.parse({ metadata: { name, namespace: 'ns' }, spec }),
    );
  }

  endpoint(
    pod: string,
    more: { readonly owner?: readonly [string, string]; readonly finalizers?: string[] } = {},
  ): Promise<SpiderEndpoint> {
    const [ownerControllerType, ownerControllerName] = more.owner ?? ['Pod', pod];
    const current = { uid: `uid-${pod}`, node: 'node1', ips: [] };
    const status = { current, ownerControllerType, ownerControllerName };
    const metadata = { name: pod, namespace: 'ns', ...(more.finalizers && { finalizers: more.finalizers }) };
    return this.kube.create(resources.spiderEndpoints, { metadata, status });
  }

  async endpoints(): Promise<string[]> {
    const { items } = await this.kube.list(resources.spiderEndpoints);
    return items.map(({ metadata }) => metadata.name ?? '');
  }

  /** Force-deletes the pod. */
  async remove(name: string): Promise<void> {
    await this.kube.delete(resources.pods, { name, namespace: 'ns' });
    await this.settle();
  }
}

/** The record of a pod `ns/NAME` of {@link Stage.pod}. */
export function recordOf(name: string, nic = 'eth0') {
  return { pod: `ns/${name}`, podUid: `uid-${name}`, nic };
}
