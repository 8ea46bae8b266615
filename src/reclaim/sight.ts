// How the objects of a verdict are looked up: on the server, or in lists that were read before.

import {
  DEFAULT_NETWORK_ANNOTATION,
  type KubeObject,
  NETWORKS_ANNOTATION,
  type Pod,
  parseDefaultNetwork,
  parseNetworks,
  type ResourceType,
  resources,
} from '#api';
import { errorText, isOrbError } from '#base';
import { type KubeClient, keyOf, type ObjectRef, refOf, type Store } from '#kube';
import { machineOf } from '#plan/ipam';
import type { Sight } from '#plan/reclaim';

export interface ClusterSight {
  /** An error of the API is `unreadable`, never `absent`. Rejects only if the work was aborted. */
  look<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>>;
  /** The name of the pod with this UID, as far as it is known. */
  podWithUid(uid: string): ObjectRef | undefined;
  /** The pods of a virtual machine, given as `namespace/name` of its VirtualMachineInstance. Rejects as `look` does. */
  podsOfMachine(machine: string): Promise<Sight<readonly Pod[]>>;
  /** The pods of virtual machines of which a network names the IPAMClaim. Rejects as `look` does. */
  machinePodsNaming(claim: ObjectRef): Promise<Sight<readonly Pod[]>>;
}

/** KubeVirt's own controller finds the pods of its machines by this label (AppLabel). */
const LABEL_OF_MACHINES = 'kubevirt.io=virt-launcher';

/** Objects that a list or a watch has shown. */
export type Listed = Pick<Store<KubeObject>, 'get' | 'list'>;

/** Sees what was listed before. Kinds that were not listed are looked up in `others`. */
export class ListedSight implements ClusterSight {
  readonly #lists: ReadonlyMap<ResourceType, Listed>;
  readonly #others: Pick<ClusterSight, 'look'>;
  #byUid: Map<string, Pod> | undefined;
  #byMachine: ReadonlyMap<string | undefined, readonly Pod[]> | undefined;

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

  async podsOfMachine(machine: string): Promise<Sight<readonly Pod[]>> {
    this.#byMachine ??= Map.groupBy((this.#lists.get(resources.pods)?.list() ?? []) as Pod[], machineOf);
    return { state: 'present', object: this.#byMachine.get(machine) ?? [] };
  }

  /** Lists have no annotations. The live look that follows has them. */
  async machinePodsNaming(): Promise<Sight<readonly Pod[]>> {
    return { state: 'present', object: [] };
  }
}

/** Reads from the server, each object once. It serves one look, so nothing in it is older than that look. */
export class LiveSight implements ClusterSight {
  readonly #client: Pick<KubeClient, 'get' | 'list'>;
  readonly #signal: AbortSignal;
  readonly #podWithUid: ClusterSight['podWithUid'];
  readonly #seen = new Map<string, Promise<Sight<KubeObject>>>();
  /** The pods of all virtual machines, by namespace. */
  readonly #ofMachines = new Map<string, Promise<Sight<readonly Pod[]>>>();

  constructor(
    client: Pick<KubeClient, 'get' | 'list'>,
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

  podsOfMachine(machine: string): Promise<Sight<readonly Pod[]>> {
    const namespace = machine.slice(0, machine.indexOf('/'));
    return this.#machinePods(namespace, (pod) => machineOf(pod) === machine);
  }

  machinePodsNaming({ namespace = '', name }: ObjectRef): Promise<Sight<readonly Pod[]>> {
    return this.#machinePods(namespace, (pod) => machineOf(pod) !== undefined && namesClaim(pod, name));
  }

  async #machinePods(namespace: string, fits: (pod: Pod) => boolean): Promise<Sight<readonly Pod[]>> {
    const listed = this.#ofMachines.get(namespace) ?? this.#listMachines(namespace);
    this.#ofMachines.set(namespace, listed);
    const seen = await listed;
    return seen.state === 'present' ? { state: 'present', object: seen.object.filter(fits) } : seen;
  }

  #listMachines(namespace: string): Promise<Sight<readonly Pod[]>> {
    return this.#sight(async (signal) => {
      const selection = { namespace, labelSelector: LABEL_OF_MACHINES };
      return (await this.#client.list(resources.pods, selection, { signal })).items;
    });
  }

  #read<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<Sight<T>> {
    return this.#sight((signal) => this.#client.get(type, ref, { signal }));
  }

  async #sight<T>(read: (signal: AbortSignal) => Promise<T>): Promise<Sight<T>> {
    try {
      return { state: 'present', object: await read(this.#signal) };
    } catch (error) {
      this.#signal.throwIfAborted();
      if (isOrbError(error, 'KUBE_NOT_FOUND')) return { state: 'absent' };
      if (isOrbError(error)) return { state: 'unreadable', said: errorText(error) };
      throw error;
    }
  }
}

/** Whether a network of the pod names the claim. A pod with a broken annotation has no NIC of it. */
function namesClaim({ metadata: { annotations = {}, namespace = '' } }: Pod, claim: string): boolean {
  const further = annotations[NETWORKS_ANNOTATION];
  const first = annotations[DEFAULT_NETWORK_ANNOTATION];
  try {
    const selections = [
      ...(first === undefined ? [] : [parseDefaultNetwork(first, namespace)]),
      ...(further === undefined ? [] : parseNetworks(further, namespace)),
    ];
    return selections.some((selection) => selection['ipam-claim-reference'] === claim);
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return false;
    throw error;
  }
}
