// A release: what a pod holds becomes free, or stays for another pod.

import type { Pod } from '#api';
import { isOrbError } from '#base';
import type { ReleaseRequest } from '#cni';
import { podHolder } from '#plan/ipam';
import type { ClusterView } from '../cluster-view.ts';
import { claimNow, type FixedOptions } from './claim-now.ts';
import type { EndpointWriter } from './endpoint-writer.ts';
import type { NodePools } from './node-pools.ts';
import type { RefusedPods } from './refused-pods.ts';

export interface ReleasesOptions extends FixedOptions {
  readonly view: ClusterView;
}

export class Releases {
  readonly #options: ReleasesOptions;
  readonly #pools: NodePools;
  readonly #endpoints: EndpointWriter;
  readonly #refused: RefusedPods;

  constructor(
    options: ReleasesOptions,
    parts: {
      readonly pools: NodePools;
      readonly endpoints: EndpointWriter;
      readonly refused: RefusedPods;
    },
  ) {
    this.#options = options;
    this.#pools = parts.pools;
    this.#endpoints = parts.endpoints;
    this.#refused = parts.refused;
  }

  async serve(request: ReleaseRequest): Promise<void> {
    const { podNamespace, podName, podUid, nic, held, signal, log } = request;
    const { view } = this.#options;
    const release =
      nic === undefined ? ({ scope: 'pod', podUid } as const) : ({ scope: 'nic', podUid, nic } as const);
    // An agent that has just started does not know yet which pools hold something for a pod without a record.
    await view.listed(signal);
    const named = held.map(({ heldIn }) => heldIn);
    const pools = new Set([...named, ...this.#pools.holding(podUid), ...this.#pools.doubtful()]);
    // The DEL after a refused ADD. Nothing was taken or shown, so the server is not asked.
    if (pools.size === 0 && this.#refused.has(request)) return;
    const pod = view.podWithUid(podUid) ?? (await this.#unseenPod(request));
    const own = pod === undefined ? `${podNamespace}/${podName}` : podHolder(pod, this.#options).name;
    const holder = this.#pools.holderOf(podUid) ?? own;
    const ending = { name: `${podNamespace}/${podName}`, uid: podUid, object: pod };
    const claim = await claimNow(holder, ending, this.#options, signal);
    if (claim.state === 'kept') {
      log.info({ holder, why: claim.why }, 'the pod leaves its addresses to another pod');
      return;
    }
    // All end before the answer: an ADD may follow a failed DEL at once, and nothing may be taken from it then.
    const done = await Promise.allSettled(
      [...pools].map((pool) => this.#pools.release(pool, release, signal)),
    );
    for (const one of done) if (one.status === 'rejected') throw one.reason;
    this.#endpoints.hide(holder, podUid, nic);
  }

  /** The pod as the server has it. The watch may be late, and only the pod says which virtual machine it runs. */
  async #unseenPod({ podNamespace, podName, podUid, signal }: ReleaseRequest): Promise<Pod | undefined> {
    try {
      return await this.#options.view.pod(podNamespace, podName, podUid, signal);
    } catch (error) {
      if (isOrbError(error, 'POD_UNKNOWN')) return undefined;
      throw error;
    }
  }
}
