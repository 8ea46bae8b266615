// SpiderEndpoints, written behind the answer: they show what the pools record, and nothing is decided by them.
//
// An ADD must not wait for a second durable write, so the endpoint is written by a queue that tries until it succeeds. If the
// agent dies in between, the pool's records are complete; the next agent writes the endpoints of its pods again when it starts.
// No finalizer (Spiderpool sets one): an endpoint whose pod is gone must never stand in anyone's way, so that the owner reference
// to the pod is enough, and the release deletes it before that.

import { type EndpointIPDetail, type Pod, resources, type SpiderEndpoint } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import { type KubeClient, WorkQueue } from '#kube';
import { ownedBy, topController } from './pod-facts.ts';

/** What is to become of the endpoint of one pod. */
interface Wish {
  readonly podUid: string;
  /** The pod, for an endpoint that must be made. */
  readonly pod?: Pod;
  /** NICs to show. */
  readonly show: ReadonlyMap<string, EndpointIPDetail>;
  /** NICs that were released; `all` deletes the endpoint. */
  readonly hide: ReadonlySet<string> | 'all';
}

export class EndpointWriter {
  readonly #client: KubeClient;
  readonly #nodeName: string;
  readonly #queue: WorkQueue;
  readonly #wishes = new Map<string, Wish>();

  constructor(options: { client: KubeClient; clock: Clock; log: Logger; nodeName: string }) {
    this.#client = options.client;
    this.#nodeName = options.nodeName;
    this.#queue = new WorkQueue({
      clock: options.clock,
      log: options.log.child({ component: 'endpoint-writer' }),
      workers: 2,
      work: (key) => this.#work(key),
    });
  }

  /** The pod holds these; other NICs of it stay as they are. */
  show(pod: Pod, details: readonly EndpointIPDetail[]): void {
    const podUid = pod.metadata.uid ?? '';
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const before = this.#wishOf(key, podUid);
    const show = new Map(before.show);
    const hide = new Set(before.hide === 'all' ? [] : before.hide);
    for (const detail of details) {
      show.set(detail.interface, detail);
      hide.delete(detail.interface);
    }
    this.#wish(key, { podUid, pod, show, hide });
  }

  /** As {@link EndpointWriter.show} for an endpoint that an earlier agent may have written: then it says more than we know. */
  async restore(pod: Pod, details: readonly EndpointIPDetail[]): Promise<void> {
    const { namespace = '', name = '', uid } = pod.metadata;
    try {
      const existing = await this.#client.get(resources.spiderEndpoints, { namespace, name });
      if (existing.status?.current.uid === uid) return;
    } catch (error) {
      if (!isOrbError(error)) throw error;
    }
    this.show(pod, details);
  }

  /** The pod has given back this NIC, or all. */
  hide(namespace: string, name: string, podUid: string, nic: string | 'all'): void {
    const key = `${namespace}/${name}`;
    const wish = this.#wishes.get(key);
    // A newer pod of the same name is none of this one's business.
    if (wish !== undefined && wish.podUid !== podUid) return;
    const before = this.#wishOf(key, podUid);
    const hidesAll = nic === 'all' || before.hide === 'all';
    const show = new Map(hidesAll ? [] : [...before.show].filter(([shown]) => shown !== nic));
    this.#wish(key, { ...before, show, hide: hidesAll ? 'all' : new Set([...before.hide, nic]) });
  }

  /** Resolves when nothing waits to be written. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** Writes what waits, then ends; what fails now is written by the next agent. */
  async stop(): Promise<void> {
    await this.#queue.idle();
    await this.#queue.stop();
  }

  #wishOf(key: string, podUid: string): Wish {
    const wish = this.#wishes.get(key);
    return wish?.podUid === podUid ? wish : { podUid, show: new Map(), hide: new Set() };
  }

  #wish(key: string, wish: Wish): void {
    this.#wishes.set(key, wish);
    this.#queue.add(key);
  }

  async #work(key: string): Promise<void> {
    const wish = this.#wishes.get(key);
    if (wish === undefined) return;
    const [namespace = '', name = ''] = key.split('/');
    if (wish.hide !== 'all' && wish.pod !== undefined && (await this.#create(wish.pod, wish)))
      return this.#done(key, wish);
    try {
      const existing = await this.#client.get(resources.spiderEndpoints, { namespace, name });
      await this.#change(existing, wish);
    } catch (error) {
      // Gone meanwhile: fine where it was to go, else it is made at the next try.
      if (!isOrbError(error, 'KUBE_NOT_FOUND') || wish.show.size > 0) throw error;
    }
    this.#done(key, wish);
  }

  #done(key: string, wish: Wish): void {
    if (this.#wishes.get(key) === wish) this.#wishes.delete(key);
  }

  /** Most pods are new: whether that was so. */
  async #create(pod: Pod, wish: Wish): Promise<boolean> {
    if (wish.show.size === 0) return false;
    try {
      await this.#client.create(resources.spiderEndpoints, this.#endpoint(pod, [...wish.show.values()]));
      return true;
    } catch (error) {
      // The namespace ends, or the pod's annotations made something that the server refuses: no repeat would help.
      if (isOrbError(error, 'KUBE_NOT_FOUND') || isOrbError(error, 'KUBE_FORBIDDEN')) return true;
      if (isOrbError(error, 'KUBE_ALREADY_EXISTS')) return false;
      throw error;
    }
  }

  async #change(existing: SpiderEndpoint, { podUid, pod, show, hide }: Wish): Promise<void> {
    const ref = { namespace: existing.metadata.namespace ?? '', name: existing.metadata.name ?? '' };
    const current = existing.status?.current;
    // Another pod's, of the same name: ours has nothing to hide in it.
    if (current !== undefined && current.uid !== podUid && (pod === undefined || show.size === 0)) return;
    const kept = current?.uid === podUid && hide !== 'all' ? current.ips : [];
    const ips = [
      ...kept.filter((ip) => !show.has(ip.interface) && !(hide as ReadonlySet<string>).has(ip.interface)),
      ...show.values(),
    ];
    if (ips.length === 0) {
      await this.#removeFinalizers(existing);
      const { uid } = existing.metadata;
      await this.#client.delete(resources.spiderEndpoints, ref, uid === undefined ? {} : { uid });
    } else if (pod !== undefined) {
      const { resourceVersion } = existing.metadata;
      const made = this.#endpoint(pod, ips);
      const metadata = { ...made.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      await this.#client.update(resources.spiderEndpoints, { ...made, metadata });
    } else if (existing.status !== undefined && current !== undefined) {
      const status = { ...existing.status, current: { ...current, ips } };
      await this.#client.update(resources.spiderEndpoints, { ...existing, status });
    }
  }

  /** Endpoints that Spiderpool made carry its finalizer, which nobody but us would take away. */
  async #removeFinalizers(existing: SpiderEndpoint): Promise<void> {
    if ((existing.metadata.finalizers ?? []).length === 0) return;
    const { finalizers: _, ...metadata } = existing.metadata;
    const freed = await this.#client.update(resources.spiderEndpoints, { ...existing, metadata });
    Object.assign(existing, freed);
  }

  #endpoint(pod: Pod, ips: EndpointIPDetail[]): SpiderEndpoint {
    const { name = '', namespace = '', uid = '' } = pod.metadata;
    const controller = topController(pod);
    return {
      metadata: { name, namespace, ownerReferences: [ownedBy(pod)] },
      status: {
        current: { uid, node: this.#nodeName, ips },
        ownerControllerType: controller.kind,
        ownerControllerName: controller.name,
      },
    };
  }
}
