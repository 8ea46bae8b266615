// Background work after a write: a queue of objects whose dependents, content or finalizers need a check.

import { errorText, type Logger } from '#base';
import { listAt } from '../json.ts';
import { CUSTOM_RESOURCE_FINALIZER } from '../kinds/index.ts';
import { StatusError } from '../status.ts';
import type { Entry, StoreEvent } from '../store/index.ts';
import { targetOf } from './cleanup.ts';
import { Dependents, entryText } from './dependents.ts';
import { emptyDefinition, emptyNamespace } from './emptying.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './finalizers.ts';
import { GarbageCollector } from './garbage-collector.ts';
import type { Objects } from './objects.ts';
import { Population } from './population.ts';

/** The same number of workers as kube-controller-manager's garbage collector has. */
const MAXIMUM_AT_ONCE = 20;

const RETRY_MS = 2000;

/** Runs in the background; events wake it. */
export class Lifecycle {
  readonly #objects: Objects;
  readonly #logger: Logger;
  readonly #dependents = new Dependents();
  readonly #population = new Population();
  readonly #collector: GarbageCollector;
  /** The objects to check, by their key. */
  readonly #queue = new Map<string, Entry>();
  /** The objects that are being checked. A slow admission of one object does not delay the others. */
  readonly #active = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(objects: Objects, logger: Logger) {
    this.#objects = objects;
    this.#logger = logger;
    this.#collector = new GarbageCollector(objects, this.#dependents);
    for (const entry of this.#everything()) {
      this.#dependents.add(entry);
      this.#population.add(entry.key);
    }
    objects.context.store.subscribe((events) => {
      for (const event of events) this.#observe(event);
    });
  }

  /** Checks every object once, for work that was pending when the server stopped. */
  start(): void {
    for (const entry of this.#everything()) this.#enqueue(entry);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#active.values());
  }

  #everything(): Entry[] {
    const { store } = this.#objects.context;
    return store.resources().flatMap((resource) => store.list(resource));
  }

  #observe(event: StoreEvent): void {
    this.#dependents.observe(event);
    this.#population.observe(event);
    const { object, key } = event.entry;
    const references = listAt(object, 'metadata', 'ownerReferences');
    if (event.type !== 'DELETED') {
      if (object.metadata.deletionTimestamp !== undefined || references.length > 0)
        this.#enqueue(event.entry);
      return;
    }
    for (const dependent of this.#dependents.of(event.entry)) this.#enqueue(dependent);
    for (const reference of references) {
      const owner = this.#collector.owner(key.namespace, reference);
      if (owner !== undefined) this.#enqueue(owner);
    }
    this.#enqueueEmptied(event.entry);
  }

  /** The namespace or definition for which this object was the last one to wait for. */
  #enqueueEmptied({ key }: Entry): void {
    const waiting: (Entry | undefined)[] = [];
    const { store } = this.#objects.context;
    if (this.#population.isEmptyNamespace(key.namespace))
      waiting.push(store.get({ resource: 'namespaces.', namespace: '', name: key.namespace }));
    if (this.#population.isEmptyResource(key.resource)) {
      const resource = 'customresourcedefinitions.apiextensions.k8s.io';
      waiting.push(store.get({ resource, namespace: '', name: key.resource }));
    }
    for (const entry of waiting)
      if (entry?.object.metadata.deletionTimestamp !== undefined) this.#enqueue(entry);
  }

  #enqueue(entry: Entry): void {
    this.#queue.set(entryText(entry), entry);
    // Let the answer to the client go out first.
    setImmediate(() => this.#dispatch());
  }

  #dispatch(): void {
    if (this.#stop.signal.aborted) return;
    for (const [text, entry] of this.#queue) {
      if (this.#active.size >= MAXIMUM_AT_ONCE) return;
      if (this.#active.has(text)) continue;
      this.#queue.delete(text);
      const work = this.#work(entry).finally(() => {
        this.#active.delete(text);
        this.#dispatch();
      });
      this.#active.set(text, work);
    }
  }

  async #work({ key }: Entry): Promise<void> {
    const current = this.#objects.context.store.get(key);
    if (current === undefined) return;
    try {
      await this.#settle(current);
    } catch (error) {
      // Another write came first: its event puts the object into the queue again.
      if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return;
      this.#logger.error(
        { resource: key.resource, namespace: key.namespace, name: key.name, error: errorText(error) },
        'the cleanup failed',
      );
      // A webhook may have refused it, and may allow it later.
      const { clock } = this.#objects.context;
      clock.sleep(RETRY_MS, this.#stop.signal).then(
        () => this.#enqueue(current),
        () => {}, // closed
      );
    }
  }

  async #settle(entry: Entry): Promise<void> {
    const { object } = entry;
    const target = targetOf(this.#objects.context, entry);
    if (target === undefined) return;
    if (object.metadata.deletionTimestamp === undefined) return this.#collector.collect(entry, target);
    const finalizers = listAt(object, 'metadata', 'finalizers');
    if (finalizers.includes(ORPHAN_FINALIZER)) return this.#collector.orphan(entry, target);
    if (finalizers.includes(FOREGROUND_FINALIZER)) {
      for (const dependent of await this.#collector.foreground(entry, target)) this.#enqueue(dependent);
      return;
    }
    if (entry.key.resource === 'namespaces.') return emptyNamespace(this.#objects, entry, target);
    if (finalizers.includes(CUSTOM_RESOURCE_FINALIZER)) return emptyDefinition(this.#objects, entry, target);
  }
}
