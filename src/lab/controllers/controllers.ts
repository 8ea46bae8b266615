// The controllers as a program. Reflectors fill a world, and each controller processes the keys that a change concerns.

import { type KubeObject, resources } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import { EventRecorder, type KubeClient, keyOf, type ObjectChange, Reflector, refOf, WorkQueue } from '#kube';
import type { Action, Controller } from './controller.ts';
import { cronJobController } from './cron-job.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { disruptionBudgetController } from './disruption-budget.ts';
import { endpointSliceController } from './endpoint-slices.ts';
import { jobController } from './job.ts';
import { replicaSetController } from './replica-set.ts';
import { scheduler } from './scheduler.ts';
import { statefulSetController } from './stateful-set.ts';
import { Visibility } from './visibility.ts';
import { type WatchedKind, type World, watchedKinds, worldIndexes } from './world.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

const controllers: readonly Controller[] = [
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  disruptionBudgetController,
  scheduler,
  endpointSliceController,
];

/** How many creations and deletions of one plan run at once. */
const parallelWrites = 16;

const tickMs = 1000;

/** Starts all controllers. Resolves when they have read the state of the cluster. */
export async function runControllers(options: ControllersOptions): Promise<{ stop(): Promise<void> }> {
  const manager = new ControllerManager(options);
  await manager.start();
  return manager;
}

class ControllerManager {
  readonly #options: ControllersOptions;
  readonly #visibility: Visibility;
  readonly #stop = new AbortController();
  #ticking: Promise<void> = Promise.resolve();
  readonly #events = new Map<string, EventRecorder>();
  readonly #reflectors: Reflector<KubeObject>[];
  readonly #world: World;
  readonly #queues: ReadonlyMap<Controller, WorkQueue>;

  constructor(options: ControllersOptions) {
    this.#options = options;
    this.#visibility = new Visibility(options.clock);
    const reflectors = watchedKinds.map((kind) => ({ kind, reflector: this.#reflector(kind) }));
    this.#reflectors = reflectors.map(({ reflector }) => reflector);
    this.#world = Object.fromEntries(
      reflectors.map(({ kind, reflector }) => [kind, reflector.store]),
    ) as unknown as World;
    this.#queues = new Map(controllers.map((controller) => [controller, this.#queue(controller)]));
  }

  async start(): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start();
    await Promise.all(this.#reflectors.map(({ ready }) => ready));
    this.#ticking = this.#tick();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ticking;
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()));
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
    await Promise.all([...this.#events.values()].map((events) => events.settled()));
  }

  /** Queues the keys of controllers that depend on time. */
  async #tick(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const [controller, queue] of this.#queues)
        for (const key of controller.timed?.(this.#world) ?? []) queue.add(key);
      await this.#options.clock.sleep(tickMs, signal).catch(() => {}); // stopped
    }
  }

  #reflector(kind: WatchedKind): Reflector<KubeObject> {
    const { client, clock, log } = this.#options;
    const type = resources[kind];
    const reflector = new Reflector<KubeObject>({ client, clock, log, type, indexes: worldIndexes });
    reflector.subscribe((change) => this.#changed(kind, change));
    return reflector;
  }

  #changed(kind: WatchedKind, change: ObjectChange<KubeObject>): void {
    this.#visibility.saw(resources[kind], change);
    const objects = change.type === 'changed' ? [change.before, change.object] : [change.object];
    for (const [controller, queue] of this.#queues) {
      const keys = objects.flatMap((object) => controller.concerns(kind, object, this.#world));
      for (const key of new Set(keys)) queue.add(key);
    }
  }

  /** Each controller has one worker: the scheduler must see one pod placed before it places the next. */
  #queue(controller: Controller): WorkQueue {
    const { clock, log } = this.#options;
    return new WorkQueue({
      clock,
      log: log.child({ controller: controller.name }),
      backOff: { firstMs: 50, maximumMs: 2000 },
      work: (key) => this.#work(controller, key),
    });
  }

  /**
   * Does the actions of the plan, and returns only when the world shows them. So the next plan of the key cannot repeat them
   * (kube-controller-manager uses expectations for this).
   */
  async #work(controller: Controller, key: string): Promise<void> {
    await Promise.all(this.#reflectors.map(({ ready }) => ready));
    const now = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const actions = [...controller.plan(key, this.#world, now)];
    for (let at = 0; at < actions.length; at += parallelWrites) {
      await Promise.all(
        actions.slice(at, at + parallelWrites).map((action) => this.#perform(controller, action)),
      );
    }
  }

  /** Events name their reporter, as those of kube-controller-manager's parts do. */
  #eventsOf({ name: component }: Controller): EventRecorder {
    const { client, clock, log } = this.#options;
    const known = this.#events.get(component) ?? new EventRecorder({ client, clock, log, component });
    this.#events.set(component, known);
    return known;
  }

  async #perform(controller: Controller, action: Action): Promise<void> {
    const { client } = this.#options;
    const { verb, type, object } = action;
    if (verb === 'event') {
      this.#eventsOf(controller).record(type, object, action.note);
      return;
    }
    try {
      if (verb === 'create') {
        await this.#visibility.until(type, await client.create(type, object));
      } else if (verb === 'delete') {
        const { uid } = object.metadata;
        await client.delete(type, refOf(object), uid === undefined ? {} : { uid });
        await this.#visibility.untilGone(type, object);
      } else {
        const { body, subresource } = action;
        // The UID makes sure that another object with the same name is not changed.
        const metadata = { ...(body.metadata as object | undefined), uid: object.metadata.uid };
        const patch = {
          type: 'merge',
          body: { ...body, metadata },
          ...(subresource === undefined ? {} : { subresource }),
        } as const;
        await this.#visibility.until(type, await client.patch(type, refOf(object), patch));
      }
    } catch (error) {
      if (!isSettled(verb, error)) throw error;
      this.#options.log.debug({ verb, object: keyOf(object) }, 'others did it already');
    }
  }
}

/** A deletion wants the object to be gone. A patch of an object that is gone needs no second try. */
function isSettled(verb: Action['verb'], error: unknown): boolean {
  return isOrbError(error, verb === 'create' ? 'KUBE_ALREADY_EXISTS' : 'KUBE_NOT_FOUND');
}
