// The objects of the API server. Reads come from memory, and writes share one global revision.
// Listeners get events when they are durable.

import type { ApiObject } from '../json.ts';
import { compareKeys, type Entry, keyText, type ObjectKey, type StoreEvent } from './entry.ts';
import { History } from './history.ts';
import { Journal, type Row } from './journal.ts';

/** The options of the store. */
export interface StoreOptions {
  readonly directory: string;
  /** The number of events for watches. A compaction starts at twice this number, and keeps this many. */
  readonly keptEvents?: number;
  /** Called when the disk fails. Memory is then newer than the disk, and the process must end. */
  readonly onDiskFailure: (error: Error) => void;
}

/** Gets durable events, in order, one group at a time. */
export type StoreListener = (events: readonly StoreEvent[]) => void;

/** A caller that waits until everything up to a revision is durable. */
interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Objects of one resource. */
interface Shelf {
  readonly entries: Map<string, Entry>;
  /** In list order; undefined after an object was added or removed. */
  sorted: Entry[] | undefined;
}

/**
 * The state. {@link put} and {@link remove} change memory at once, so that the next writer sees the change.
 * Send an answer only after {@link durable}: what a client was told survives kill -9.
 */
export class Store {
  readonly #journal: Journal;
  readonly #history: History;
  readonly #shelves = new Map<string, Shelf>();
  readonly #listeners = new Set<StoreListener>();
  readonly #options: StoreOptions;
  #revision: number;
  #durableRevision: number;
  #pending: StoreEvent[] = [];
  #waiters: Waiter[] = [];
  #flushing = false;
  #failure: Error | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#journal = new Journal(options.directory);
    this.#history = new History(this.#journal.compactedRevision());
    // etcd starts at 1, so that 0 can mean "any version" in requests.
    this.#revision = Math.max(1, this.#history.compactedRevision);
    for (const row of this.#journal.rows()) this.#load(row);
    this.#durableRevision = this.#revision;
  }

  /** The newest revision, which may not be durable yet. */
  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#history.compactedRevision;
  }

  get(key: ObjectKey): Entry | undefined {
    return this.#shelves.get(key.resource)?.entries.get(keyText(key.namespace, key.name));
  }

  /** All objects of a resource in list order. The caller must not change the list. */
  list(resource: string): readonly Entry[] {
    const shelf = this.#shelves.get(resource);
    if (shelf === undefined) return [];
    shelf.sorted ??= [...shelf.entries.values()].sort((a, b) => compareKeys(a.key, b.key));
    return shelf.sorted;
  }

  /** The list at an earlier revision; undefined when that revision was compacted. */
  listAt(resource: string, revision: number): readonly Entry[] | undefined {
    if (revision < this.#history.compactedRevision) return undefined;
    return revision >= this.#revision
      ? this.list(resource)
      : this.#history.rewind(resource, this.list(resource), revision);
  }

  /** Names of every resource that holds objects. */
  resources(): string[] {
    return [...this.#shelves].filter(([, shelf]) => shelf.entries.size > 0).map(([resource]) => resource);
  }

  /** Durable events of a resource after `revision`; undefined when they were compacted. */
  eventsSince(resource: string, revision: number): StoreEvent[] | undefined {
    if (revision < this.#history.compactedRevision) return undefined;
    return [...this.#history.since(resource, revision)].filter(
      (e) => e.entry.revision <= this.#durableRevision,
    );
  }

  /** Listeners have got all events up to this revision. */
  get durableRevision(): number {
    return this.#durableRevision;
  }

  /** Calls `listener` with every later group of events until the returned function is called. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Replaces `expected` with `object`; undefined when another version is the current one. The store keeps `object`. */
  put(key: ObjectKey, expected: Entry | undefined, object: ApiObject): Entry | undefined {
    if (this.get(key) !== expected) return undefined;
    return this.#record(key, expected === undefined ? 'ADDED' : 'MODIFIED', object, expected);
  }

  /** Removes `expected`; `last` is its final state. Returns undefined when another version is the current one. */
  remove(expected: Entry, last: ApiObject): Entry | undefined {
    if (this.get(expected.key) !== expected) return undefined;
    return this.#record(expected.key, 'DELETED', last, expected);
  }

  /** Resolves when everything up to now is on disk. */
  durable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#durableRevision === this.#revision) return Promise.resolve();
    const revision = this.#revision;
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  /** Forgets events up to `revision`: a watch from an older revision gets 410. */
  compact(revision: number): void {
    const upTo = Math.min(revision, this.#durableRevision);
    this.#journal.compact(upTo, this.#history.compact(upTo));
  }

  /** Waits for pending writes, and closes the file. */
  async close(): Promise<void> {
    await this.durable();
    this.#journal.close();
  }

  #record(key: ObjectKey, type: StoreEvent['type'], object: ApiObject, previous: Entry | undefined): Entry {
    if (this.#failure !== undefined) throw this.#failure;
    const revision = this.#revision + 1;
    object.metadata.resourceVersion = String(revision);
    const entry: Entry = { key, revision, object, bytes: Buffer.from(JSON.stringify(object)) };
    // Take the revision only after the bytes exist. Waiters would wait forever for a revision that nobody writes.
    this.#revision = revision;
    const event: StoreEvent = { type, entry, previous };
    this.#remember(event);
    this.#pending.push(event);
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.#flush());
    }
    return entry;
  }

  #remember(event: StoreEvent): void {
    const { key } = event.entry;
    let shelf = this.#shelves.get(key.resource);
    if (shelf === undefined) {
      shelf = { entries: new Map(), sorted: undefined };
      this.#shelves.set(key.resource, shelf);
    }
    shelf.sorted = undefined;
    if (event.type === 'DELETED') shelf.entries.delete(keyText(key.namespace, key.name));
    else shelf.entries.set(keyText(key.namespace, key.name), event.entry);
    this.#history.add(event);
  }

  #flush(): void {
    const events = this.#pending;
    this.#pending = [];
    this.#journal.append(events.map(rowOf), (error) => {
      if (error !== null) this.#fail(error);
      else this.#committed(events);
    });
  }

  #committed(events: readonly StoreEvent[]): void {
    this.#durableRevision = events.at(-1)?.entry.revision ?? this.#durableRevision;
    const ready = this.#waiters.filter((waiter) => waiter.revision <= this.#durableRevision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#durableRevision);
    for (const waiter of ready) waiter.resolve();
    for (const listener of this.#listeners) listener(events);
    const kept = this.#options.keptEvents ?? 10_000;
    if (this.#history.length > 2 * kept) this.compact(this.#history.revisionBefore(kept));
    if (this.#pending.length > 0) this.#flush();
    else this.#flushing = false;
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
    this.#options.onDiskFailure(error);
  }

  #load(row: Row): void {
    const key = { resource: row.resource, namespace: row.namespace, name: row.name };
    const bytes = Buffer.from(row.value);
    const entry: Entry = {
      key,
      revision: row.revision,
      object: JSON.parse(bytes.toString()) as ApiObject,
      bytes,
    };
    const previous = this.get(key);
    const type = row.deleted === 1 ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    this.#remember({ type, entry, previous });
    this.#revision = Math.max(this.#revision, row.revision);
    if (row.revision <= this.#history.compactedRevision)
      this.#history.compact(this.#history.compactedRevision);
  }
}

function rowOf(event: StoreEvent): Row {
  const { key, revision, bytes } = event.entry;
  const deleted = event.type === 'DELETED' ? 1 : 0;
  return {
    revision,
    resource: key.resource,
    namespace: key.namespace,
    name: key.name,
    deleted,
    value: bytes,
  };
}
