// Lists and watches one kind into a store. The store follows the server across every kind of broken connection.

import type { KubeObject, ResourceType } from '#api';
import { BackOff, type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import type { KubeClient, Selection, WatchEvent } from './client.ts';
import { isBefore } from './resource-version.ts';
import { type IndexKeys, keyOf, Store } from './store.ts';

/** A change of an object. */
export type ObjectChange<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'changed'; readonly object: T; readonly before: T }
  /** `object` is its last known state. */
  | { readonly type: 'deleted'; readonly object: T };

/** Called for each change, after the store has it. It must not wait: long work belongs into a work queue. */
export type ChangeHandler<T> = (change: ObjectChange<T>) => void;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly type: ResourceType<T>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Keep this narrow: an agent watches only the pods of its own node. */
  readonly selection?: Selection;
  readonly indexes?: Readonly<Record<string, IndexKeys<T>>>;
  /** Called after each list that succeeded, without an error, and after each list or watch that failed. */
  readonly onState?: (error?: unknown) => void;
  /** Random numbers for the back-off, for tests. */
  readonly random?: () => number;
}

/** Counters for the metrics. */
export interface ReflectorStatistics {
  lists: number;
  watches: number;
  events: number;
  /** Connections that ended with an error. */
  failures: number;
  /** Watches that ended because a line was not an event. Each costs one list. */
  malformed: number;
  /** Calls of a handler that ended with an error. */
  handlerErrors: number;
}

const backOffSpan = { firstMs: 200, maximumMs: 30_000 };

/** Follows the objects of one kind until it is stopped. */
export class Reflector<T extends KubeObject> {
  readonly store: Store<T>;
  readonly statistics: ReflectorStatistics = {
    lists: 0,
    watches: 0,
    events: 0,
    failures: 0,
    malformed: 0,
    handlerErrors: 0,
  };
  /** Resolves when the first list is in the store. Never rejects, because the reflector retries until it is stopped. */
  readonly ready: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #stop = new AbortController();
  readonly #backOff: BackOff;
  #markReady: () => void = () => {};
  #running: Promise<void> | undefined;
  #lastFailure: string | undefined;
  /** Where the next watch begins; undefined if only a new list helps. */
  #resourceVersion: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.store = new Store(options.indexes);
    this.#backOff = new BackOff({
      ...backOffSpan,
      ...(options.random !== undefined && { random: options.random }),
    });
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  /**
   * Calls `handler` for every object that is in the store now, as `added`, and then for every change. Handlers are called
   * in the order of their subscription. Returns a function that ends the subscription.
   */
  subscribe(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.store.list()) this.#call(handler, { type: 'added', object });
    return () => void this.#handlers.delete(handler);
  }

  /** Starts to follow. Call it once. */
  start(): this {
    this.#running ??= this.#run();
    return this;
  }

  /** Ends the watch. Resolves when no handler will be called any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the reflector was stopped'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
      // The wait also applies after a watch that the server ended normally: many reflectors must not reconnect at the
      // same moment.
      await this.#options.clock.sleep(this.#backOff.next(), signal).catch(() => {});
    }
  }

  #failed(error: unknown): void {
    const { log, type } = this.#options;
    const fields = { kind: type.kind, error: errorText(error) };
    // 410: the history to continue from is gone. A line that is not an event may hide a change. Both need a new list.
    if (isOrbError(error, 'KUBE_EXPIRED')) {
      this.#resourceVersion = undefined;
      log.debug(fields, 'the watch version is too old, listing again');
      return;
    }
    this.statistics.failures += 1;
    if (isOrbError(error, 'KUBE_MALFORMED')) this.statistics.malformed += 1;
    // A kind that is not served any more may come back with other objects.
    if (isOrbError(error, 'KUBE_MALFORMED') || isOrbError(error, 'KUBE_NOT_FOUND')) {
      this.#resourceVersion = undefined;
    }
    // A failure that stays the same is said once.
    const isKnown = fields.error === this.#lastFailure;
    this.#lastFailure = fields.error;
    if (isKnown) log.debug(fields, 'the watch ended again, trying again');
    else log.warn(fields, 'the watch ended, trying again');
    this.#options.onState?.(error);
  }

  async #list(): Promise<void> {
    const { client, type, selection } = this.#options;
    const list = await client.list(type, selection, { signal: this.#stop.signal });
    this.statistics.lists += 1;
    const gone = new Set(this.store.keys());
    for (const object of list.items) {
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
    this.#resourceVersion = list.resourceVersion;
    this.#progressed();
    this.#markReady();
    this.#options.onState?.();
  }

  async #watch(): Promise<void> {
    const { client, type, selection } = this.#options;
    const from = { ...selection, resourceVersion: this.#resourceVersion ?? '' };
    this.statistics.watches += 1;
    const began = this.#options.clock.monotonic();
    for await (const event of client.watch(type, from, { signal: this.#stop.signal })) {
      this.#progressed();
      if (event.type === 'BOOKMARK') {
        if (!isBefore(event.resourceVersion, this.#resourceVersion))
          this.#resourceVersion = event.resourceVersion;
        continue;
      }
      this.statistics.events += 1;
      if (isBefore(event.object.metadata.resourceVersion, this.#resourceVersion)) {
        this.#late(event);
        continue;
      }
      if (event.type === 'DELETED') this.#remove(keyOf(event.object));
      else this.#put(event.object);
      this.#resourceVersion = event.object.metadata.resourceVersion;
    }
    // A quiet watch that lasted long also counts as progress.
    if (this.#options.clock.monotonic() - began > backOffSpan.maximumMs) this.#progressed();
  }

  /**
   * An event that came after newer ones. Servers must not send it (API concepts, "Resource versions"), but a proxy may
   * repeat a part of a watch. What the store knows already is no news. Anything else needs a new list.
   */
  #late({ type, object }: Exclude<WatchEvent<T>, { type: 'BOOKMARK' }>): void {
    const { name = '', namespace, resourceVersion } = object.metadata;
    const known = this.store.get(name, namespace);
    const isKnown =
      known === undefined ? type === 'DELETED' : !isBefore(known.metadata.resourceVersion, resourceVersion);
    if (isKnown) return;
    const message = `watch of ${this.#options.type.plural}: the event of ${keyOf(object)} came after newer events`;
    throw new OrbError('KUBE_MALFORMED', { message, subject: keyOf(object) });
  }

  /** The next failure is a new one: its wait is short, and it is said aloud. */
  #progressed(): void {
    this.#lastFailure = undefined;
    this.#backOff.reset();
  }

  #put(object: T): void {
    const before = this.store.put(object);
    if (before === undefined) this.#tell({ type: 'added', object });
    else if (before.metadata.uid !== object.metadata.uid) {
      // The object was deleted and created again while no watch was open.
      this.#tell({ type: 'deleted', object: before });
      this.#tell({ type: 'added', object });
    } else if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#tell({ type: 'changed', object, before });
    }
  }

  #remove(key: string): void {
    const object = this.store.remove(key);
    if (object !== undefined) this.#tell({ type: 'deleted', object });
  }

  /** The copy keeps a handler that another one subscribes just now from the same change. */
  #tell(change: ObjectChange<T>): void {
    for (const handler of [...this.#handlers]) this.#call(handler, change);
  }

  /** An error of a handler is a bug in it. It must end neither the watch nor the calls of other handlers. */
  #call(handler: ChangeHandler<T>, change: ObjectChange<T>): void {
    try {
      handler(change);
    } catch (error) {
      const { log, type } = this.#options;
      this.statistics.handlerErrors += 1;
      const fields = { kind: type.kind, key: keyOf(change.object), change: change.type };
      log.error({ ...fields, err: error }, 'a handler of changes failed');
    }
  }
}
