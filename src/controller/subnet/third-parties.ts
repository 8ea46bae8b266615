// Applications whose controller Kubernetes does not know. Nobody but their pods tells that they live.

import type { KubeObject } from '#api';
import { resources } from '#api';
import type { Clock } from '#base';
import { type Carver, type NewestPools, readApplication } from '#carving';
import type { KubeClient } from '#kube';
import { type Application, isThirdParty, ownerApplication, readSubnetRequest } from '#plan/subnet';
import type { Plan } from '#reconcile';
import type { AddressState } from '../kinds.ts';
import { keyOfApplication } from './workloads.ts';

export interface ThirdPartyOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly carver: Carver;
  readonly pools: NewestPools;
}

/** An application without pods for so long is gone: a restart or a move to other nodes takes less. */
const GONE_AFTER_MS = 10 * 60_000;

export class ThirdParties {
  readonly #options: ThirdPartyOptions;
  /** Since when an application has no pods, by its key. Milliseconds of the monotonic clock. */
  readonly #emptySinceMs = new Map<string, number>();

  constructor(options: ThirdPartyOptions) {
    this.#options = options;
  }

  forget(): void {
    this.#emptySinceMs.clear();
  }

  /** The pod's controller, if Kubernetes does not know its kind. */
  ownerOf({ metadata }: KubeObject): Application | undefined {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined || !isThirdParty(owner)) return undefined;
    const { apiVersion, kind, name, uid } = owner;
    return { apiVersion, kind, name, uid, namespace: metadata.namespace ?? '' };
  }

  async plan(application: Application, state: AddressState, signal: AbortSignal): Promise<Plan> {
    const { carver, client, clock, pools } = this.#options;
    const key = keyOfApplication(application);
    const own = pools.index.of(application);
    const alive = state.pods.list().flatMap((pod) => {
      const owner = this.ownerOf(pod);
      return owner !== undefined && keyOfApplication(owner) === key ? { pod, owner } : [];
    });
    const [first] = alive;
    if (own.length === 0 || first !== undefined) this.#emptySinceMs.delete(key);
    if (own.length === 0) return [];
    if (first === undefined) {
      const sinceMs = this.#emptySinceMs.get(key) ?? clock.monotonic();
      this.#emptySinceMs.set(key, sinceMs);
      const waitMs = sinceMs + GONE_AFTER_MS - clock.monotonic();
      if (waitMs > 0) return { actions: [], againAfterMs: waitMs };
      const uids = new Set(own.map((pool) => ownerApplication(pool)?.uid ?? ''));
      for (const uid of uids) {
        if ((await readApplication({ ...application, uid }, client, { signal })) !== undefined) return [];
      }
      await carver.settle({ application, living: undefined, asker: 'workload' }, signal);
      return [];
    }
    // Pools of an earlier application of this name. The present one is asked by its pods' annotations.
    if (own.every((pool) => ownerApplication(pool)?.uid === first.owner.uid)) return [];
    const { name = '', namespace = '' } = first.pod.metadata;
    const { metadata } = await client.get(resources.pods, { name, namespace }, { signal });
    const request = readSubnetRequest(metadata.annotations ?? {}, first.owner, 0);
    const living = { uid: first.owner.uid, request, pods: alive.length };
    await carver.settle({ application: first.owner, living, asker: 'workload' }, signal);
    return [];
  }
}
