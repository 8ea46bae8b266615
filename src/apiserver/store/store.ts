// The objects of the API server: reads from memory, writes under one global revision, events once they are durable.

import type { ApiObject } from '../json.ts';
import { compareKeys, type Entry, keyText, type ObjectKey, type StoreEvent } from './entry.ts';
import { History } from './history.ts';
import { Journal, type Row } from './journal.ts';

/** How the store is opened. */
export interface StoreOptions {
  readonly directory: string;
  /** Events kept for watches; twice as many trigger a compaction down to this number. */
  readonly keptEvents?: number;
  /** Told when the disk failed: memory is then ahead of it and the process must end. */
  readonly onDiskFailure: (error: Error) => void;
}

/** Told of durable events, in order, a whole group at a time. */
export type StoreListener = (events: readonly StoreEvent[]) => void;

/** A waiter for everything up to a revision to be durable. */
interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Objects of one resource. */
interface Shelf {
  readonly entries: Map<string, Entry>;
  /** In list order; undefined after an object came or went. */
  sorted: Entry[] | undefined;
}

/**
 * The state. {@link put} and {@link remove} change memory at once, so that the next writer meets them; an answer may be given
 * only after {@link durable}: what a client was told survives kill -9.
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

  /** The newest revision, durable or not yet. */
  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#history.compactedRevision;
  }

  get(key: ObjectKey): Entry | undefined {
    return this.#shelves.get(key.resource)?.entries.get(keyText(key.namespace, key.name));
  }

  /** All objects of a resource in list order; the list belongs to the store. */
  list(resource: string): readonly Entry[] {
    const shelf = this.#shelves.get(resource);
    if (shelf === undefined) return [];
    shelf.sorted ??= [...shelf.entries.values()].sort((a, b) => compareKeys(a.key, b.key));
    return shelf.sorted;
  }

  /** The list as it was at an earlier revision; undefined when that was compacted. */
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

  /** The revision up to which listeners have been told everything. */
  get durableRevision(): number {
    return this.#durableRevision;
  }

  /** Calls `listener` with every later group of events until the returned function is called. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stores `object` in place of `expected`; undefined when the current version is another one. Keeps `object`. */
  put(key: ObjectKey, expected: Entry | undefined, object: ApiObject): Entry | undefined {
    if (this.get(key) !== expected) return undefined;
    return this.#record(key, expected === undefined ? 'ADDED' : 'MODIFIED', object, expected);
  }

  /** Removes `expected`; `last` is its final state. Undefined when the current version is another one. */
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

  /** Forgets events up to `revision`: a watch from before is told 410. */
  compact(revision: number): void {
    const upTo = Math.min(revision, this.#durableRevision);
    this.#journal.compact(upTo, this.#history.compact(upTo));
  }

  /** Waits for what is in flight and closes the file. */
  async close(): Promise<void> {
    await this.durable();
    this.#journal.close();
  }

  #record(key: ObjectKey, type: StoreEvent['type'], object: ApiObject, previous: Entry | undefined): Entry {
    if (this.#failure !== undefined) throw this.#failure;
    const revision = this.#revision + 1;
    object.metadata.resourceVersion = String(revision);
    const entry: Entry = { key, revision, object, bytes: Buffer.from(JSON.stringify(object)) };
    // Not before the bytes are there: a revision that nobody writes would be waited for without end.
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
