// How the objects of a verdict are looked up: on the server, or in lists that were read before.

import type { KubeObject, Pod, ResourceType } from '#api';
import { resources } from '#api';
import { errorText, isOrbError } from '#base';
import { type KubeClient, keyOf, type ObjectRef, refOf, type Store } from '#kube';
import type { Sight } from '#plan/reclaim';

export interface ClusterSight {
  /** An error of the API is `unreadable`, never `absent`. Rejects only if the work was aborted. */
  look<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>>;
  /** The name of the pod with this UID, as far as it is known. */
  podWithUid(uid: string): ObjectRef | undefined;
}

/** Objects that a list or a watch has shown. */
export type Listed = Pick<Store<KubeObject>, 'get' | 'list'>;

/** Sees what was listed before. Kinds that were not listed are looked up in `others`. */
export class ListedSight implements ClusterSight {
  readonly #lists: ReadonlyMap<ResourceType, Listed>;
  readonly #others: Pick<ClusterSight, 'look'>;
  #byUid: Map<string, Pod> | undefined;

  constructor(lists: ReadonlyMap<ResourceType, Listed>, others: Pick<ClusterSight, 'look'>) {
    this.#lists = lists;
    this.#others = others;
  }

  async look<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>> {
    const list = this.#lists.get(type);
    if (list === undefined) return this.#others.look(type, ref);
    const object = list.get(ref.name, ref.namespace) as T | undefined;
    return object === undefined ? { state: 'absent' } : { state: 'present', object };
  }

  podWithUid(uid: string): ObjectRef | undefined {
    const pod = this.pod(uid);
    return pod === undefined ? undefined : refOf(pod);
  }

  /** The pod with this UID, whatever its name is. `named` is where it is looked for first. */
  pod(uid: string, named?: ObjectRef): Pod | undefined {
    const pods = this.#lists.get(resources.pods);
    const first = named === undefined ? undefined : pods?.get(named.name, named.namespace);
    if (first?.metadata.uid === uid) return first as Pod;
    this.#byUid ??= new Map((pods?.list() ?? []).map((pod) => [pod.metadata.uid ?? '', pod as Pod]));
    return this.#byUid.get(uid);
  }
}

/** Reads from the server, each object once. It serves one look, so nothing in it is older than that look. */
export class LiveSight implements ClusterSight {
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #signal: AbortSignal;
  readonly #podWithUid: ClusterSight['podWithUid'];
  readonly #seen = new Map<string, Promise<Sight<KubeObject>>>();

  constructor(
    client: Pick<KubeClient, 'get'>,
    signal: AbortSignal,
    podWithUid: ClusterSight['podWithUid'] = () => undefined,
  ) {
    this.#client = client;
    this.#signal = signal;
    this.#podWithUid = podWithUid;
  }

  look<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>> {
    const key = `${type.group} ${type.plural} ${keyOf({ metadata: ref })}`;
    const seen = this.#seen.get(key) ?? this.#read(type, ref);
    this.#seen.set(key, seen);
    return seen as Promise<Sight<T>>;
  }

  podWithUid(uid: string): ObjectRef | undefined {
    return this.#podWithUid(uid);
  }

  async #read<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>> {
    try {
      return { state: 'present', object: await this.#client.get(type, ref, { signal: this.#signal }) };
    } catch (error) {
      this.#signal.throwIfAborted();
      if (isOrbError(error, 'KUBE_NOT_FOUND')) return { state: 'absent' };
      if (isOrbError(error)) return { state: 'unreadable', said: errorText(error) };
      throw error;
    }
  }
}
