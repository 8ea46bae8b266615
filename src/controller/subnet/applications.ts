// Keeps the automatic pools of each application as its annotations and its number of pods ask for. The key is the
// application.

import type { KubeObject, SpiderIPPool, SpiderSubnet } from '#api';
import { type Clock, isOrbError } from '#base';
import { type Carver, type CarvingQuestion, type NewestPools, readApplication } from '#carving';
import type { KubeClient } from '#kube';
import {
  type Application,
  type ApplicationPlan,
  type AutomaticPoolSettings,
  asksForSubnets,
  inheritedAnnotations,
  isOfSubnet,
  isThirdParty,
  type Notice,
  ownerApplication,
  readSubnetRequest,
} from '#plan/subnet';
import type { Action, Plan } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { ThirdParties } from './third-parties.ts';
import {
  allWorkloads,
  applicationOfKey,
  foundWorkload,
  keyOfApplication,
  typeOf,
  workloadIn,
} from './workloads.ts';

export interface ApplicationControllerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly carver: Carver;
  readonly pools: NewestPools;
  readonly automaticPools: AutomaticPoolSettings;
}

export function applicationController(options: ApplicationControllerOptions): AddressController {
  const applications = new Applications(options);
  return {
    name: 'application-pools',
    // Applications of one subnet that are planned at the same time share its writes.
    workers: 16,
    concerns: (kind, object, state) => applications.concerned(kind, object, state),
    outside: () => () => applications.forget(),
    plan: (key, state, _, signal) => applications.plan(key, state, signal),
  };
}

class Applications {
  readonly #options: ApplicationControllerOptions;
  readonly #thirdParties: ThirdParties;
  /** The subnets that have too few addresses for an application, or are not there, by its key. */
  readonly #waiting = new Map<string, ReadonlySet<string>>();
  /** What was told of an application, so that each cause is one Event. */
  readonly #told = new Map<string, string>();
  /** What the pools of a subnet had to follow when it was last seen, by its name. */
  readonly #followed = new Map<string, string>();

  constructor(options: ApplicationControllerOptions) {
    this.#options = options;
    this.#thirdParties = new ThirdParties(options);
  }

  forget(): void {
    this.#waiting.clear();
    this.#told.clear();
    this.#followed.clear();
    this.#thirdParties.forget();
  }

  concerned(kind: string, object: KubeObject, state: AddressState): string[] {
    if (kind === 'pools') {
      const application = ownerApplication(object as SpiderIPPool);
      return application === undefined ? [] : [keyOfApplication(application)];
    }
    if (kind === 'subnets') return this.#ofSubnet(object as SpiderSubnet, state);
    const { index } = this.#options.pools;
    const application = kind === 'pods' ? this.#thirdParties.ownerOf(object) : undefined;
    if (application !== undefined)
      return index.of(application).length > 0 ? [keyOfApplication(application)] : [];
    const workload = workloadIn(kind, object);
    if (workload === undefined) return [];
    const isConcerned = asksForSubnets(workload.annotations) || index.of(workload.application).length > 0;
    return isConcerned ? [keyOfApplication(workload.application)] : [];
  }

  async plan(key: string, state: AddressState, signal: AbortSignal): Promise<Plan> {
    const application = applicationOfKey(key);
    if (isThirdParty(application)) return await this.#thirdParties.plan(application, state, signal);
    const found = foundWorkload(application, state);
    if (found?.workload === undefined) {
      this.#waiting.delete(key);
      this.#told.delete(key);
      await this.#gone(application, signal);
      return [];
    }
    const { workload, object } = found;
    const tell = (notices: readonly Note[]) => this.#tell(key, typeOf(application.kind), object, notices);
    let question: CarvingQuestion;
    try {
      const { spareAddresses } = this.#options.automaticPools;
      const request = readSubnetRequest(workload.annotations, workload.application, spareAddresses);
      const living = { uid: workload.application.uid, request, pods: workload.replicas };
      question = { application: workload.application, living, asker: 'workload' };
    } catch (error) {
      if (!isOrbError(error, 'INPUT_INVALID')) throw error;
      return tell([{ type: 'Warning', reason: 'SubnetAnnotationInvalid', message: error.message }]);
    }
    const { notices } = await this.#settled(question, state, signal);
    const missing = notices.filter(({ type }) => type === 'Warning').map(({ subnet }) => subnet);
    if (missing.length > 0) this.#waiting.set(key, new Set(missing));
    else this.#waiting.delete(key);
    return tell(notices);
  }

  /** Asks the server only if there is something to do. */
  async #settled(
    question: CarvingQuestion,
    state: AddressState,
    signal: AbortSignal,
  ): Promise<ApplicationPlan> {
    const { carver } = this.#options;
    const wishes = question.living?.request?.wishes ?? [];
    const named = [...new Set(wishes.map(({ subnet }) => subnet))];
    const plan = carver.look(
      question,
      named.flatMap((name) => state.subnets.get(name) ?? []),
    );
    const isChanged = [...plan.ledgers.values()].some((ledger) => ledger.change() !== undefined);
    return isChanged || plan.writes.length > 0 ? await carver.settle(question, signal) : plan;
  }

  /** The pools of an application that is gone. The server is asked, because the watch may be behind. */
  async #gone(application: Application, signal: AbortSignal): Promise<void> {
    const { client, carver, pools } = this.#options;
    if (pools.index.of(application).length === 0) return;
    const live = await readApplication(application, client, { signal });
    if (live?.workload === undefined)
      await carver.settle({ application, living: undefined, asker: 'workload' }, signal);
  }

  #ofSubnet(subnet: SpiderSubnet, state: AddressState): string[] {
    const { name = '', generation } = subnet.metadata;
    const waiting = [...this.#waiting].filter(([, subnets]) => subnets.has(name)).map(([key]) => key);
    const followed = JSON.stringify([generation, inheritedAnnotations(subnet)]);
    const isKnown = this.#followed.get(name) === followed;
    this.#followed.set(name, followed);
    if (isKnown) return waiting;
    // Pools follow their subnet, and a new subnet may be named by anybody.
    const owners = state.pools.list().filter((pool) => isOfSubnet(pool, name));
    const asking = allWorkloads(state).filter(({ annotations }) => asksForSubnets(annotations));
    return [
      ...waiting,
      ...owners.flatMap((pool) => ownerApplication(pool) ?? []).map(keyOfApplication),
      ...asking.map(({ application }) => keyOfApplication(application)),
    ];
  }

  #tell(
    key: string,
    type: ReturnType<typeof typeOf>,
    object: KubeObject,
    notices: readonly Note[],
  ): Action[] {
    const text = JSON.stringify(notices.map(({ message }) => message));
    if ((this.#told.get(key) ?? '[]') === text) return [];
    this.#told.set(key, text);
    return notices.map(({ type: kind, reason, message }) => ({
      verb: 'event',
      type,
      object,
      note: { type: kind, reason, message },
    }));
  }
}

/** What an Event tells. */
interface Note extends Pick<Notice, 'type' | 'message'> {
  readonly reason: string;
}
