// SpiderEndpoints, written behind the answer: they show what the pools record, and nothing is decided by them.
//
// An ADD must not wait for a second durable write, so the endpoint is written by a queue that tries until it succeeds. If the
// agent dies in between, the pool's records are complete; the next agent writes the endpoints of its pods again when it starts.
// No finalizer (Spiderpool sets one): an endpoint whose pod is gone must never stand in anyone's way, so that the owner reference
// to the pod is enough, and the release deletes it before that.

import { type EndpointIPDetail, type Pod, resources, type SpiderEndpoint } from '#api';
import { type Clock, isOrbError, type Logger, OrbError } from '#base';
import { type KubeClient, WorkQueue } from '#kube';
import { foreignFinalizers, handOver, newEndpoint, withIps, withoutFinalizer } from './endpoint-object.ts';

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
      const lives = existing.metadata.deletionTimestamp === undefined;
      if (lives && existing.status?.current.uid === uid) return;
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
    const ref = { namespace, name };
    // An endpoint that only our finalizer kept is gone at the second look.
    for (let looks = 0; !(await this.#write(ref, wish)); looks++) {
      if (looks === 2) throw conflict(ref, 'somebody else makes and deletes it');
    }
    if (this.#wishes.get(key) === wish) this.#wishes.delete(key);
  }

  /** False where the endpoint went and is to be made anew. */
  async #write(ref: EndpointRef, wish: Wish): Promise<boolean> {
    // Most pods are new.
    if (wish.hide !== 'all' && wish.pod !== undefined && wish.show.size > 0) {
      if (await this.#create(wish.pod, [...wish.show.values()])) return true;
    }
    try {
      const existing = await this.#client.get(resources.spiderEndpoints, ref);
      if (existing.metadata.deletionTimestamp === undefined) {
        await this.#change(existing, wish);
        return true;
      }
      await this.#letGo(existing);
      const foreign = foreignFinalizers(existing);
      if (foreign.length > 0 && wish.show.size > 0) {
        throw conflict(ref, `it is being deleted and waits for ${foreign.join(', ')}`);
      }
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
    }
    return wish.show.size === 0;
  }

  /** Whether no repeat is needed: false where an endpoint of that name exists. */
  async #create(pod: Pod, ips: readonly EndpointIPDetail[]): Promise<boolean> {
    try {
      await this.#client.create(resources.spiderEndpoints, newEndpoint(pod, this.#nodeName, ips));
      return true;
    } catch (error) {
      // The namespace ends, or the pod's annotations made something that the server refuses: no repeat would help.
      if (isOrbError(error, 'KUBE_NOT_FOUND') || isOrbError(error, 'KUBE_FORBIDDEN')) return true;
      if (isOrbError(error, 'KUBE_ALREADY_EXISTS')) return false;
      throw error;
    }
  }

  async #change(existing: SpiderEndpoint, { podUid, pod, show, hide }: Wish): Promise<void> {
    const current = existing.status?.current;
    // Another pod's, of the same name: ours has nothing to hide in it.
    if (current !== undefined && current.uid !== podUid && (pod === undefined || show.size === 0)) return;
    const kept = current?.uid === podUid && hide !== 'all' ? current.ips : [];
    const ips = [
      ...kept.filter((ip) => !show.has(ip.interface) && !(hide as ReadonlySet<string>).has(ip.interface)),
      ...show.values(),
    ];
    if (ips.length === 0) await this.#delete(existing);
    else if (pod !== undefined) await this.#patch(existing, handOver(existing, pod, this.#nodeName, ips));
    else if (current !== undefined) await this.#patch(existing, withIps(existing, ips));
  }

  async #delete(existing: SpiderEndpoint): Promise<void> {
    const { uid } = existing.metadata;
    await this.#letGo(existing);
    await this.#client.delete(resources.spiderEndpoints, refTo(existing), uid === undefined ? {} : { uid });
  }

  /** An endpoint whose deletion was asked for is not alive. It goes when other programs have taken their finalizers too. */
  async #letGo(existing: SpiderEndpoint): Promise<void> {
    const patch = withoutFinalizer(existing);
    if (patch !== undefined) await this.#patch(existing, patch);
  }

  async #patch(existing: SpiderEndpoint, body: unknown): Promise<void> {
    await this.#client.patch(resources.spiderEndpoints, refTo(existing), { type: 'merge', body });
  }
}

interface EndpointRef {
  readonly namespace: string;
  readonly name: string;
}

function refTo({ metadata: { namespace = '', name = '' } }: SpiderEndpoint): EndpointRef {
  return { namespace, name };
}

function conflict({ namespace, name }: EndpointRef, why: string): OrbError {
  const subject = `SpiderEndpoint ${namespace}/${name}`;
  return new OrbError('KUBE_CONFLICT', { message: `${subject} cannot be written yet: ${why}`, subject });
}
