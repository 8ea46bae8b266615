// Runs controllers: each works on the keys that a change concerns.

import type { KubeObject } from '#api';
import { abortable, type Clock, type Logger, timeText } from '#base';
import type { KubeClient, ObjectChange } from '#kube';
import type { Controller } from './controller.ts';
import { ControllerQueue, type ControllerQueueOptions, type QueueDepth } from './controller-queue.ts';
import type { Informers, KindName, Kinds } from './informers.ts';
import { type ReconcileMetrics, silentReconcileMetrics } from './metrics.ts';
import { Visibility } from './visibility.ts';
import { Writer } from './writer.ts';

export interface ControllersOptions<K extends Kinds> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly informers: Informers<K>;
  readonly controllers: readonly Controller<K>[];
  readonly metrics?: ReconcileMetrics;
  /** The wait between two tries of a key. Default 50 ms to 30 s. */
  readonly backOff?: ControllerQueueOptions['backOff'];
}

const TICK_MS = 1000;
const defaultBackOff = { firstMs: 50, maximumMs: 30_000 };

/** Runs the controllers, once or for each time that the program leads. */
export class Controllers<K extends Kinds> {
  readonly #options: ControllersOptions<K>;
  readonly #writers: ReadonlyMap<Controller<K>, Writer>;
  #queues: ReadonlyMap<Controller<K>, ControllerQueue> = new Map();

  constructor(options: ControllersOptions<K>) {
    const { informers } = options;
    const visibility = new Visibility(options.clock);
    const shared = { ...options, visibility, follows: informers.follows.bind(informers) };
    this.#options = options;
    // The first subscriber, and for ever: it knows a change before a controller does, also between two runs.
    informers.subscribe((_, change, type) => visibility.saw(type, change));
    this.#writers = new Map(
      options.controllers.map((controller) => [
        controller,
        new Writer({ ...shared, component: controller.name }),
      ]),
    );
  }

  /** How many keys wait, by the name of the controller. */
  queues(): ReadonlyMap<string, QueueDepth> {
    return new Map(Array.from(this.#queues, ([{ name }, queue]) => [name, queue.depth]));
  }

  /**
   * Works until the signal aborts. Every known object counts as added at the start, so every key is planned once. Resolves
   * when nothing runs any more.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, controllers } = this.#options;
    await abortable(informers.ready, signal).catch(() => {}); // the end
    if (signal.aborted) return;
    this.#queues = new Map(controllers.map((controller) => [controller, this.#queue(controller)]));
    const ends = Array.from(this.#queues, ([controller, queue]) =>
      informers.subscribe((kind, change) => this.#changed(controller, queue, kind, change)),
    );
    for (const [{ outside }, queue] of this.#queues) {
      if (outside !== undefined) ends.push(outside((key) => queue.changed(key), informers.state));
    }
    const stop = () => Array.from(this.#queues.values(), (queue) => queue.stop());
    // Calls in flight are aborted at once: another program may lead now.
    signal.addEventListener('abort', stop, { once: true });
    await this.#tick(signal);
    for (const end of ends) end();
    await Promise.all(stop());
  }

  /** Resolves when all Events so far are written. */
  async eventsWritten(): Promise<void> {
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.eventsWritten()));
  }

  /** Queues the keys of controllers that depend on time. */
  async #tick(signal: AbortSignal): Promise<void> {
    const { clock, informers, log } = this.#options;
    while (!signal.aborted) {
      for (const [controller, queue] of this.#queues) {
        try {
          for (const key of controller.timed?.(informers.state) ?? []) queue.ticked(key);
        } catch (error) {
          log.error(
            { controller: controller.name, err: error },
            'the keys that depend on time are not known',
          );
        }
      }
      await clock.sleep(TICK_MS, signal).catch(() => {}); // the end
    }
  }

  #changed(
    controller: Controller<K>,
    queue: ControllerQueue,
    kind: KindName<K>,
    change: ObjectChange<KubeObject>,
  ): void {
    const { state } = this.#options.informers;
    const objects = change.type === 'changed' ? [change.before, change.object] : [change.object];
    const keys = objects.flatMap((object) => controller.concerns(kind, object, state));
    for (const key of new Set(keys)) queue.changed(key);
  }

  #queue(controller: Controller<K>): ControllerQueue {
    const { clock, log, metrics = silentReconcileMetrics, backOff = defaultBackOff } = this.#options;
    const { name, workers = 1 } = controller;
    return new ControllerQueue({
      ...{ name, clock, metrics, workers, backOff },
      log: log.child({ controller: name }),
      work: (key, signal) => this.#work(controller, key, signal),
    });
  }

  async #work(controller: Controller<K>, key: string, signal: AbortSignal): Promise<number | undefined> {
    const { clock, informers } = this.#options;
    const now = timeText(clock.now());
    const plan = await controller.plan(key, informers.state, now, signal);
    const { actions, againAfterMs } = 'actions' in plan ? plan : { actions: plan, againAfterMs: undefined };
    await this.#writers.get(controller)?.perform(actions, signal);
    return againAfterMs;
  }
}
