// Writes SpiderEndpoints after the answer to the runtime. They show what the pools record; no decision depends on them.
//
// An ADD must not wait for a second durable write. A queue writes the endpoint and retries until it succeeds. If the
// agent dies before that, the pool's records are still complete. The next agent writes the endpoints of its pods again
// when it starts.
//
// There is no finalizer (Spiderpool sets one), because the endpoint of a deleted pod must never block anything. The
// owner reference to the pod is enough, and the release normally deletes the endpoint earlier.

import { type EndpointIPDetail, type Pod, resources, type SpiderEndpoint } from '#api';
import { type Clock, isOrbError, type Logger, OrbError } from '#base';
import { type KubeClient, WorkQueue } from '#kube';
import { foreignFinalizers, withoutFinalizer } from '#plan/reclaim';
import { withKnownLink } from './endpoint-details.ts';
import { type EndpointHolder, endpointRef, handOver, newEndpoint, withIps } from './endpoint-object.ts';

interface Shown {
  readonly pod: Pod;
  readonly holder: EndpointHolder;
}

/** The wanted state of one pod's endpoint. */
interface PendingEndpoint {
  readonly podUid: string;
  /** The pod and its holder, if the endpoint may have to be created. */
  readonly shown?: Shown;
  /** NICs to show. */
  readonly show: ReadonlyMap<string, EndpointIPDetail>;
  /** NICs that were released. `all` deletes the endpoint. */
  readonly hide: ReadonlySet<string> | 'all';
}

export class EndpointWriter {
  readonly #client: KubeClient;
  readonly #nodeName: string;
  readonly #queue: WorkQueue;
  readonly #pending = new Map<string, PendingEndpoint>();

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

  /** The pod holds these addresses. Its other NICs stay as they are. */
  show(pod: Pod, holder: EndpointHolder, details: readonly EndpointIPDetail[]): void {
    const podUid = pod.metadata.uid ?? '';
    const key = holder.name;
    const before = this.#pendingOf(key, podUid);
    const show = new Map(before.show);
    const hide = new Set(before.hide === 'all' ? [] : before.hide);
    for (const detail of details) {
      show.set(detail.interface, withKnownLink(detail, show.get(detail.interface)));
      hide.delete(detail.interface);
    }
    this.#keep(key, { podUid, shown: { pod, holder }, show, hide });
  }

  /**
   * Like {@link EndpointWriter.show}, but keeps an endpoint that an earlier agent wrote for this pod: it says more than
   * this agent knows.
   */
  async restore(pod: Pod, holder: EndpointHolder, details: readonly EndpointIPDetail[]): Promise<void> {
    try {
      const existing = await this.#client.get(resources.spiderEndpoints, endpointRef(holder));
      const lives = existing.metadata.deletionTimestamp === undefined;
      if (lives && existing.status?.current.uid === pod.metadata.uid) return;
    } catch (error) {
      if (!isOrbError(error)) throw error;
    }
    this.show(pod, holder, details);
  }

  /** The pod with this UID has released this NIC; undefined stands for all its NICs. `key` is the name of its holder. */
  hide(key: string, podUid: string, nic: string | undefined): void {
    const pending = this.#pending.get(key);
    // The pending change belongs to a newer pod of the same name, which this call must not change.
    if (pending !== undefined && pending.podUid !== podUid) return;
    const before = this.#pendingOf(key, podUid);
    if (nic === undefined || before.hide === 'all') {
      this.#keep(key, { ...before, show: new Map(), hide: 'all' });
      return;
    }
    const show = new Map([...before.show].filter(([shown]) => shown !== nic));
    this.#keep(key, { ...before, show, hide: new Set([...before.hide, nic]) });
  }

  /** Resolves when nothing waits to be written. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** Writes what waits, then ends. The next agent writes what fails now. */
  async stop(): Promise<void> {
    await this.#queue.idle();
    await this.#queue.stop();
  }

  #pendingOf(key: string, podUid: string): PendingEndpoint {
    const pending = this.#pending.get(key);
    return pending?.podUid === podUid ? pending : { podUid, show: new Map(), hide: new Set() };
  }

  #keep(key: string, pending: PendingEndpoint): void {
    this.#pending.set(key, pending);
    this.#queue.add(key);
  }

  async #work(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    const [namespace = '', name = ''] = key.split('/');
    const ref = { namespace, name };
    // An endpoint that only our finalizer kept is gone at the second try.
    for (let looks = 0; !(await this.#write(ref, pending)); looks++) {
      if (looks === 2) throw conflict(ref, 'another program keeps creating and deleting it');
    }
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  /** False if the endpoint was deleted and must be created again. */
  async #write(ref: EndpointRef, pending: PendingEndpoint): Promise<boolean> {
    // Most pods are new, so try to create the endpoint first.
    if (pending.hide !== 'all' && pending.shown !== undefined && pending.show.size > 0) {
      if (await this.#create(pending.shown, [...pending.show.values()])) return true;
    }
    try {
      const existing = await this.#client.get(resources.spiderEndpoints, ref);
      if (existing.metadata.deletionTimestamp === undefined) {
        await this.#change(existing, pending);
        return true;
      }
      await this.#letGo(existing);
      const foreign = foreignFinalizers(existing);
      if (foreign.length > 0 && pending.show.size > 0) {
        throw conflict(ref, `it is being deleted and waits for the finalizers ${foreign.join(', ')}`);
      }
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
    }
    return pending.show.size === 0;
  }

  /** Whether no retry is needed. False if an endpoint of that name exists. */
  async #create({ pod, holder }: Shown, ips: readonly EndpointIPDetail[]): Promise<boolean> {
    try {
      await this.#client.create(resources.spiderEndpoints, newEndpoint(pod, holder, this.#nodeName, ips));
      return true;
    } catch (error) {
      // The namespace is terminating, or the server refuses what the pod's annotations led to. A retry would not help.
      if (isOrbError(error, 'KUBE_NOT_FOUND') || isOrbError(error, 'KUBE_FORBIDDEN')) return true;
      if (isOrbError(error, 'KUBE_ALREADY_EXISTS')) return false;
      throw error;
    }
  }

  async #change(existing: SpiderEndpoint, { podUid, shown, show, hide }: PendingEndpoint): Promise<void> {
    const current = existing.status?.current;
    // The endpoint belongs to another pod of the same name: it has nothing of this pod to hide.
    if (current !== undefined && current.uid !== podUid && (shown === undefined || show.size === 0)) return;
    const kept = current?.uid === podUid && hide !== 'all' ? current.ips : [];
    const ips = [
      ...kept.filter((ip) => !show.has(ip.interface) && !(hide as ReadonlySet<string>).has(ip.interface)),
      ...Array.from(show.values(), (detail) =>
        withKnownLink(
          detail,
          kept.find((ip) => ip.interface === detail.interface),
        ),
      ),
    ];
    if (ips.length === 0) await this.#delete(existing);
    else if (shown !== undefined) {
      await this.#patch(existing, handOver(existing, shown.pod, shown.holder, this.#nodeName, ips));
    } else if (current !== undefined) await this.#patch(existing, withIps(existing, ips));
  }

  async #delete(existing: SpiderEndpoint): Promise<void> {
    const { uid } = existing.metadata;
    await this.#letGo(existing);
    await this.#client.delete(resources.spiderEndpoints, refTo(existing), uid === undefined ? {} : { uid });
  }

  /**
   * Removes Spiderpool's finalizer. A deleted endpoint disappears when other programs have removed their finalizers
   * too.
   */
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
