// The agent's cached view of the cluster: pools, reserved addresses, the coordinator's settings, namespaces, its own
// node and the pods of that node.

import {
  type KubeObject,
  type Namespace,
  type Node,
  type Pod,
  type ResourceType,
  resources,
  type SpiderCoordinator,
  type SpiderIPPool,
  type SpiderReservedIP,
  unreadableNote,
} from '#api';
import { abortable, type Clock, isOrbError, type Logger, OrbError } from '#base';
import { NewestPools } from '#carving';
import { type ChangeHandler, type KubeClient, Reflector, type Selection } from '#kube';
import {
  catalogPools,
  type PoolCatalog,
  type ReservedAddresses,
  recordsMayName,
  reservedAddresses,
} from '#plan/ipam';

export interface ClusterViewOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node that this agent serves. The agent watches only this node's pods. */
  readonly nodeName: string;
}

/** Watches the objects that ADD reads. */
export class ClusterView {
  readonly nodeName: string;
  /** The pools, also those that the watch has not shown yet. */
  readonly pools: NewestPools;
  /** Called with the name of a deleted pool. */
  onPoolDeleted: (name: string) => void = () => {};
  /** Called when the node's own object has changed. */
  onNode: () => void = () => {};
  /** Called when a pod of the node has changed. */
  onPods: () => void = () => {};
  /** Called when a SpiderCoordinator has changed. */
  onCoordinator: () => void = () => {};
  readonly #client: KubeClient;
  readonly #pools: Reflector<SpiderIPPool>;
  readonly #reserved: Reflector<SpiderReservedIP>;
  readonly #pods: Reflector<Pod>;
  readonly #namespaces: Reflector<Namespace>;
  readonly #nodes: Reflector<Node>;
  readonly #coordinators: Reflector<SpiderCoordinator>;
  /** Each as it was when it could be read last: running pods keep the settings that they have. */
  readonly #readableCoordinators = new Map<string, SpiderCoordinator>();
  /** Rebuilt after a pool has changed. */
  #catalog: { readonly of: readonly SpiderIPPool[]; readonly catalog: PoolCatalog } | undefined;
  #reservedAddresses: ReservedAddresses | undefined;

  constructor(options: ClusterViewOptions) {
    const { client, clock, log, nodeName } = options;
    const follow = <T extends KubeObject>(
      type: ResourceType<T>,
      selection: Selection = {},
      handler?: ChangeHandler<T>,
    ) => {
      const reflector = new Reflector({ client, type, clock, log, selection });
      if (handler !== undefined) reflector.subscribe(handler);
      return reflector;
    };
    this.nodeName = nodeName;
    this.#client = client;
    this.#pools = follow(resources.spiderIPPools, {}, ({ type, object }) => {
      this.pools.watched(object, type === 'deleted');
      if (type === 'deleted') this.onPoolDeleted(object.metadata.name ?? '');
    });
    this.pools = new NewestPools(this.#pools.store);
    this.#reserved = follow(resources.spiderReservedIPs, {}, () => {
      this.#reservedAddresses = undefined;
    });
    this.#pods = follow(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` }, () => this.onPods());
    this.#namespaces = follow(resources.namespaces);
    this.#nodes = follow(resources.nodes, { fieldSelector: `metadata.name=${nodeName}` }, () =>
      this.onNode(),
    );
    this.#coordinators = follow(resources.spiderCoordinators, {}, ({ type, object }) => {
      const { name = '' } = object.metadata;
      if (type === 'deleted') this.#readableCoordinators.delete(name);
      else if (unreadableNote(object) === undefined) this.#readableCoordinators.set(name, object);
      this.onCoordinator();
    });
  }

  /** Starts the watches. Resolves when every kind was listed once. */
  async start(): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start();
    await this.#listed();
  }

  /** Resolves when every kind was listed once. Rejects with the signal's reason if the signal aborts first. */
  listed(signal: AbortSignal): Promise<void> {
    return abortable(this.#listed(), signal);
  }

  async #listed(): Promise<void> {
    await Promise.all(this.#reflectors.map(({ ready }) => ready));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  get catalog(): PoolCatalog {
    const of = this.pools.list();
    if (this.#catalog?.of !== of) this.#catalog = { of, catalog: catalogPools(of) };
    return this.#catalog.catalog;
  }

  get reserved(): ReservedAddresses {
    this.#reservedAddresses ??= reservedAddresses(this.#reserved.store.list());
    return this.#reservedAddresses;
  }

  pool(name: string): SpiderIPPool | undefined {
    return this.pools.get(name);
  }

  /**
   * Names of those of the pools that fit whose records have the text, as a UID or a name. This does not parse the
   * records.
   */
  poolsNaming(text: string, fits: (name: string) => boolean): string[] {
    return this.pools.list().flatMap((pool) => {
      const { name = '' } = pool.metadata;
      return fits(name) && recordsMayName(pool, text) ? name : [];
    });
  }

  /** The node's own object. */
  get node(): Node | undefined {
    return this.#nodes.store.get(this.nodeName);
  }

  /** The cluster's SpiderCoordinator: the one named `default`, else the first by name. */
  get coordinator(): SpiderCoordinator | undefined {
    const byName = (a: SpiderCoordinator, b: SpiderCoordinator) =>
      (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
    const read = this.#readableCoordinators;
    return read.get('default') ?? [...read.values()].toSorted(byName)[0];
  }

  get nodeLabels(): Readonly<Record<string, string>> {
    return this.node?.metadata.labels ?? {};
  }

  /** The pods of this node. */
  pods(): Pod[] {
    return this.#pods.store.list();
  }

  /** The pod of this node with this UID, if the watch shows it. */
  podWithUid(uid: string): Pod | undefined {
    return this.pods().find(({ metadata }) => metadata.uid === uid);
  }

  /** The pod of this node that the runtime means, if the watch has delivered it. */
  calledPod(namespace: string, name: string, uid: string): Pod | undefined {
    const watched = this.#pods.store.get(name, namespace);
    return watched !== undefined && isCalled(watched, uid) ? watched : undefined;
  }

  /** Reads from the watch's cache, and from the server if the cache does not have it yet. */
  async namespace(name: string, signal: AbortSignal): Promise<Namespace> {
    return this.#namespaces.store.get(name) ?? this.#client.get(resources.namespaces, { name }, { signal });
  }

  /** The pod with that name and, if given, that UID. A kubelet may call before the watch has delivered the pod. */
  async pod(namespace: string, name: string, uid: string | undefined, signal: AbortSignal): Promise<Pod> {
    const watched = this.#pods.store.get(name, namespace);
    if (watched !== undefined && isCalled(watched, uid)) return watched;
    const subject = `Pod ${namespace}/${name}`;
    try {
      const pod = await this.#client.get(resources.pods, { namespace, name }, { signal });
      if (isCalled(pod, uid)) return pod;
      const message = `${subject} has UID ${pod.metadata.uid}, not ${uid} as K8S_POD_UID says`;
      throw new OrbError('POD_UNKNOWN', { message, subject });
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      throw new OrbError('POD_UNKNOWN', { message: `${subject} not found`, subject, cause: error });
    }
  }

  get #reflectors(): Reflector<KubeObject>[] {
    return [
      this.#pools,
      this.#reserved,
      this.#pods,
      this.#namespaces,
      this.#nodes,
      this.#coordinators,
    ] as unknown as Reflector<KubeObject>[];
  }
}

/**
 * Whether the runtime means this pod. For a static pod, the runtime passes the hash of the pod's file. The API server
 * has its mirror pod, which carries that hash in an annotation (kubelet, pkg/kubelet/types/constants.go).
 */
function isCalled({ metadata }: Pod, uid: string | undefined): boolean {
  return (
    uid === undefined || metadata.uid === uid || metadata.annotations?.['kubernetes.io/config.mirror'] === uid
  );
}
