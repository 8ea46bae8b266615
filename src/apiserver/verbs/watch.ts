// The watch verb: a stream of events, one JSON object per line.

import type { ServerResponse } from 'node:http';
import type { Clock } from '#base';
import type { Form } from '../http/index.ts';
import { apiVersion, type Resource, storageName } from '../resource.ts';
import { expired, type StatusError } from '../status.ts';
import type { Entry, EventType, Store, StoreEvent } from '../store/index.ts';
import { type IncludeObject, tableOf } from '../table/index.ts';
import { bytesFor, inScope, readRevision, type Scope } from './read.ts';

/** A watch, as the client asks for it. */
export interface WatchRequest {
  readonly scope: Scope;
  readonly form: Form;
  /** Empty or 0: the watch starts with the present objects. */
  readonly resourceVersion: string;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutMs: number;
}

/**
 * The server closes a watch that is this far behind. The client's next watch begins where this one ended. If it missed
 * more than this, it must list again.
 */
const MAXIMUM_BACKLOG_BYTES = 16 * 1024 * 1024;
const BOOKMARK_EVERY_MS = 60_000;
/** The longest timeout of a timer (24.8 days). A longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Serves watches. It builds an event's line once for all watchers. */
export class Watches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #open = new Set<Watcher>();
  readonly #unsubscribe: () => void;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#unsubscribe = store.subscribe((events) => this.#publish(events));
  }

  /** Streams to `response` until the time is over or one side closes. */
  async serve(response: ServerResponse, request: WatchRequest): Promise<void> {
    const { resourceVersion, sendInitialEvents } = request;
    const fromNow = resourceVersion === '' || resourceVersion === '0' || sendInitialEvents;
    const after = fromNow ? undefined : readRevision(resourceVersion);
    await this.#store.durable();
    if (response.destroyed) return; // the client has gone
    const watcher = new Watcher(response, request, this.#clock);
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const problem = this.#replay(watcher, request, after);
    if (problem !== undefined) {
      watcher.fail(problem);
      return;
    }
    this.#open.add(watcher);
    const bookmarks = setInterval(() => watcher.bookmark(this.#store.durableRevision), BOOKMARK_EVERY_MS);
    const timeout = setTimeout(
      () => watcher.end(this.#store.durableRevision),
      Math.min(request.timeoutMs, LONGEST_TIMER_MS),
    );
    response.on('close', () => {
      clearInterval(bookmarks);
      clearTimeout(timeout);
      this.#open.delete(watcher);
    });
  }

  /** Ends every watch. Clients then reconnect to a running server. */
  close(): void {
    this.#unsubscribe();
    for (const watcher of this.#open) watcher.end(this.#store.durableRevision);
  }

  /**
   * Sends the events since the requested revision, or the present objects when the request names no revision.
   * Returns the refusal when that revision is compacted, or when more has happened since than a client may be behind.
   */
  #replay(
    watcher: Watcher,
    { scope: { resource } }: WatchRequest,
    revision: number | undefined,
  ): StatusError | undefined {
    if (revision === undefined) {
      const snapshot = this.#store.listAt(storageName(resource), this.#store.durableRevision) ?? [];
      watcher.initial(snapshot, this.#store.durableRevision);
      return undefined;
    }
    const events = this.#store.eventsSince(storageName(resource), revision);
    if (events === undefined)
      return expired(`too old resource version: ${revision} (${this.#store.compactedRevision + 1})`);
    if (watcher.replay(revision, events)) return undefined;
    return expired(
      `too old resource version: ${revision} (more than ${MAXIMUM_BACKLOG_BYTES} bytes of events followed)`,
    );
  }

  #publish(events: readonly StoreEvent[]): void {
    const byResource = new Map<string, StoreEvent[]>();
    for (const event of events) {
      const { resource } = event.entry.key;
      const group = byResource.get(resource);
      if (group === undefined) byResource.set(resource, [event]);
      else group.push(event);
    }
    // Watchers of the same kind and namespace without selectors get the same bytes.
    const shared = new Map<string, Buffer>();
    for (const watcher of this.#open) {
      const group = byResource.get(watcher.storage);
      if (group !== undefined) watcher.send(group, shared);
    }
  }
}

/** The watch of one client. */
class Watcher {
  readonly storage: string;
  readonly #response: ServerResponse;
  readonly #request: WatchRequest;
  readonly #clock: Clock;
  #after = 0;
  #sentHeader = false;
  #maximumBacklogBytes = MAXIMUM_BACKLOG_BYTES;

  constructor(response: ServerResponse, request: WatchRequest, clock: Clock) {
    this.#response = response;
    this.#request = request;
    this.#clock = clock;
    this.storage = storageName(request.scope.resource);
  }

  /** Sends the events after `revision`. False if they are more than a client may be behind; then it sends nothing. */
  replay(revision: number, events: readonly StoreEvent[]): boolean {
    const lines: Buffer[] = [];
    let bytes = 0;
    for (const event of events) {
      for (const line of this.#eventLine(event)) {
        bytes += line.length;
        lines.push(line);
      }
      if (bytes > MAXIMUM_BACKLOG_BYTES) return false;
    }
    this.#after = events.at(-1)?.entry.revision ?? revision;
    this.#write(Buffer.concat(lines));
    return true;
  }

  initial(entries: readonly Entry[], revision: number): void {
    this.#after = revision;
    const present = entries.filter((entry) => inScope(this.#request.scope, entry));
    const bytes = Buffer.concat(present.map((entry) => this.#line('ADDED', entry)));
    // There is no other way to the present objects, however large they are.
    this.#maximumBacklogBytes += bytes.length;
    this.#write(bytes);
    if (this.#request.sendInitialEvents && this.#request.bookmarks) this.#bookmark(revision, true);
  }

  send(events: readonly StoreEvent[], shared: Map<string, Buffer>): void {
    const { scope, form } = this.#request;
    const last = events.at(-1)?.entry.revision ?? 0;
    if (last <= this.#after) return;
    const first = events[0]?.entry.revision ?? 0;
    if (scope.predicate !== undefined || form.as !== 'object' || first <= this.#after) {
      const lines = events
        .filter((event) => event.entry.revision > this.#after)
        .flatMap((event) => this.#eventLine(event));
      this.#after = last;
      this.#write(Buffer.concat(lines));
      return;
    }
    this.#after = last;
    const key = `${this.storage} ${apiVersion(scope.resource)} ${scope.namespace}`;
    let bytes = shared.get(key);
    if (bytes === undefined) {
      bytes = Buffer.concat(events.flatMap((event) => this.#eventLine(event)));
      shared.set(key, bytes);
    }
    this.#write(bytes);
  }

  bookmark(revision: number): void {
    if (this.#request.bookmarks) this.#bookmark(Math.max(revision, this.#after), false);
  }

  /** Ends the stream. It sends a bookmark first if the client wants one: the next watch can start there. */
  end(revision: number): void {
    if (this.#response.writableEnded) return;
    this.bookmark(revision);
    this.#response.end();
  }

  fail(status: StatusError): void {
    this.#response.end(`${JSON.stringify({ type: 'ERROR', object: status.toObject() })}\n`);
  }

  /** The event for this client. An object that enters its selection is ADDED, and one that leaves it is DELETED. */
  #eventLine(event: StoreEvent): Buffer[] {
    const { scope } = this.#request;
    const is = event.type !== 'DELETED' && inScope(scope, event.entry);
    const was = event.previous !== undefined && inScope(scope, event.previous);
    if (!is && !was) return [];
    const type: EventType = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
    return [this.#line(type, event.entry)];
  }

  #line(type: EventType, entry: Entry): Buffer {
    const { form, scope } = this.#request;
    const object =
      form.as === 'object' ? bytesFor(scope.resource, entry) : this.#row(scope.resource, entry, form.include);
    return Buffer.concat([prefixes[type], object, suffix]);
  }

  #row(resource: Resource, entry: Entry, include: IncludeObject): Buffer {
    const withHeader = !this.#sentHeader;
    this.#sentHeader = true;
    const metadata = { resourceVersion: String(entry.revision) };
    return Buffer.from(
      JSON.stringify(
        tableOf(resource, [entry.object], metadata, { nowMs: this.#clock.now(), include, withHeader }),
      ),
    );
  }

  #bookmark(revision: number, initialEnd: boolean): void {
    const { resource } = this.#request.scope;
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...annotations };
    const object = { kind: resource.kind, apiVersion: apiVersion(resource), metadata };
    this.#write(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`));
  }

  #write(bytes: Buffer): void {
    // A slow client may still receive data after the end. A write then would be an error that ends the process.
    if (bytes.length === 0 || this.#response.writableEnded) return;
    this.#response.write(bytes);
    if (this.#response.writableLength > this.#maximumBacklogBytes) this.#response.destroy();
  }
}

const prefixes: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const suffix = Buffer.from('}\n');
