// The automatic pools of a pod that asks for subnets. If they do not exist yet, or are too small, the agent makes or
// enlarges them itself: the pod does not wait for the controller.

import { type Pod, resources } from '#api';
import { abortable, OrbError } from '#base';
import { Carver, type CarverOptions, readApplication } from '#carving';
import type { Family } from '#ip';
import { ifFound } from '#kube';
import type { AutomaticPools } from '#plan/ipam';
import {
  type Application,
  type ApplicationPlan,
  type AutomaticPoolSettings,
  asksForSubnets,
  type Notice,
  type PoolWish,
  readSubnetRequest,
  type SubnetRequest,
  topController,
} from '#plan/subnet';

/** The pool from which the NIC has an address or can get one. `pool` is the one that is meant for it, if it exists. */
export type ServingPool = (wish: PoolWish, pool: string | undefined) => string | undefined;

export interface PodPools {
  readonly application: Application;
  readonly pools: readonly AutomaticPools[];
}

/** Owners of ReplicaSets and Jobs that are remembered. The oldest is forgotten. */
const MOST_OWNERS = 1000;

export interface AutoPoolsOptions extends CarverOptions {
  readonly automaticPools: AutomaticPoolSettings;
}

export class AutoPools {
  readonly #options: AutoPoolsOptions;
  readonly #carver: Carver;
  /** By what is asked for, so that the pods of one application on this node carve once. */
  readonly #running = new Map<string, Promise<ApplicationPlan>>();
  readonly #owners = new Map<string, Application>();

  constructor(options: AutoPoolsOptions) {
    this.#options = options;
    this.#carver = new Carver(options);
  }

  /**
   * The pools of all NICs that the pod's annotations name. Undefined if they ask for no subnet. With `look`, nothing is
   * made, and nothing is asked of the server but the pod's owner, once.
   * @throws OrbError INPUT_INVALID, IPPOOL_EXHAUSTED, IPPOOL_UNSUITABLE, KUBE_NOT_FOUND
   */
  async poolsFor(
    pod: Pod,
    serving: ServingPool,
    carving: 'make' | 'look',
    signal: AbortSignal,
  ): Promise<PodPools | undefined> {
    const annotations = pod.metadata.annotations ?? {};
    const { enabled, spareAddresses } = this.#options.automaticPools;
    if (!asksForSubnets(annotations)) return undefined;
    if (!enabled) {
      const { namespace, name } = pod.metadata;
      const message = 'automatic pools are switched off: the annotations for subnets are not read';
      if (carving === 'make') this.#options.log.warn({ pod: `${namespace}/${name}` }, message);
      return undefined;
    }
    const application = await this.#applicationOf(pod, signal);
    const request = readSubnetRequest(annotations, application, spareAddresses);
    if (request === undefined) return undefined;
    const { families } = this.#options;
    const wishes = request.wishes.filter(({ family }) => families.includes(family));
    const living = { uid: application.uid, request, pods: 0 };
    const known = () => poolNames(this.#carver.look({ application, living, asker: 'pod' }, []), request);
    const isComplete = (names: ReadonlyMap<PoolWish, string>) =>
      wishes.length > 0 && wishes.every((wish) => serving(wish, names.get(wish)) !== undefined);
    const key = JSON.stringify([application.uid, request]);
    for (;;) {
      const names = known();
      if (isComplete(names)) return { application, pools: nicPools(wishes, names, serving) };
      if (carving === 'look') throw notYet(application);
      const running = this.#running.get(key);
      if (running === undefined) break;
      // Another pod of the application carves the same. If that does not help this pod, it carves for itself.
      await abortable(running.then(nothing, nothing), signal);
    }
    const made = this.#carve(application, request, signal).finally(() => this.#running.delete(key));
    this.#running.set(key, made);
    const { notices } = await made;
    const names = known();
    for (const wish of wishes) {
      if (serving(wish, names.get(wish)) === undefined) refuseShortage(wish, notices, names.get(wish));
    }
    if (wishes.length === 0) refuseShortage(request.wishes[0] as PoolWish, notices, undefined);
    return { application, pools: nicPools(wishes, names, serving) };
  }

  async #carve(
    application: Application,
    request: SubnetRequest,
    signal: AbortSignal,
  ): Promise<ApplicationPlan> {
    const live = await readApplication(application, this.#options.client, { signal });
    if (live === undefined) throw gone(application.kind, application);
    const living = { uid: application.uid, request, pods: live.pods };
    return await this.#carver.settle({ application, living, asker: 'pod' }, signal);
  }

  /** The topmost controller of the pod. Its own controller is read, once. */
  async #applicationOf(pod: Pod, signal: AbortSignal): Promise<Application> {
    const { ownerReferences = [], namespace = '' } = pod.metadata;
    const owner = ownerReferences.find(({ controller }) => controller === true);
    const known = this.#owners.get(owner?.uid ?? '');
    if (known !== undefined) return known;
    const kind = owner?.kind === 'ReplicaSet' || owner?.kind === 'Job' ? owner.kind : undefined;
    const type = kind === 'Job' ? resources.jobs : resources.replicaSets;
    const middle =
      owner === undefined || kind === undefined || !/^(apps|batch)\/v1$/.test(owner.apiVersion)
        ? undefined
        : await ifFound(
            this.#options.client.get(
              type as typeof resources.jobs,
              { namespace, name: owner.name },
              { signal },
            ),
          );
    const application = topController(pod, () => middle);
    if (application === undefined) throw gone(owner?.kind ?? '', { namespace, name: owner?.name ?? '' });
    const [oldest] = this.#owners.keys();
    if (this.#owners.size === MOST_OWNERS && oldest !== undefined) this.#owners.delete(oldest);
    if (owner !== undefined) this.#owners.set(owner.uid, application);
    return application;
  }
}

function nothing(): void {}

function poolNames({ pools }: ApplicationPlan, { wishes }: SubnetRequest): Map<PoolWish, string> {
  return new Map(
    wishes.flatMap((wish) => {
      const name = pools.get(wish)?.metadata.name;
      return name === undefined ? [] : [[wish, name] as const];
    }),
  );
}

/** A pool that is full is named too: the choice of an address says why there is none. */
function nicPools(
  wishes: readonly PoolWish[],
  names: ReadonlyMap<PoolWish, string>,
  serving: ServingPool,
): AutomaticPools[] {
  const byNic = Map.groupBy(wishes, ({ nic }) => nic);
  return Array.from(byNic, ([nic, own]) => {
    const of = (family: Family) =>
      own.flatMap((wish) =>
        wish.family === family ? (serving(wish, names.get(wish)) ?? names.get(wish) ?? []) : [],
      );
    return { nic, pools: { 4: of(4), 6: of(6) } };
  });
}

/** The pool of the wish has no address for the pod. If the plan says why, so does the error. */
function refuseShortage(
  { nic, family, subnet }: PoolWish,
  notices: readonly Notice[],
  pool: string | undefined,
): void {
  const reasons = notices.filter((notice) => notice.subnet === subnet && notice.type === 'Warning');
  if (pool !== undefined && reasons.length === 0) return;
  const code = reasons.some(({ reason }) => reason === 'SubnetExhausted')
    ? 'IPPOOL_EXHAUSTED'
    : 'IPPOOL_UNSUITABLE';
  const texts = reasons.map(({ message }) => message);
  const message = `no IPv${family} address of SpiderSubnet ${subnet} for interface ${nic}: ${texts.join('; ')}`;
  throw new OrbError(code, { message, subject: `SpiderSubnet ${subnet}` });
}

function gone(kind: string, { namespace, name }: Pick<Application, 'namespace' | 'name'>): OrbError {
  const message = `${kind} ${namespace}/${name} is gone, so its pods get no pool from a SpiderSubnet`;
  return new OrbError('KUBE_NOT_FOUND', { message, subject: `${kind} ${namespace}/${name}` });
}

function notYet({ kind, namespace, name }: Application): OrbError {
  const subject = `${kind} ${namespace}/${name}`;
  return new OrbError('IPPOOL_EXHAUSTED', {
    message: `the pools of ${subject} have no address yet`,
    subject,
  });
}
