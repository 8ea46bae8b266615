// The events from which a watch can still start, oldest first. A compaction removes old ones.

import { compareKeys, type Entry, keyText, type StoreEvent } from './entry.ts';

/** Recent events in order of revision. */
export class History {
  #events: StoreEvent[] = [];
  #first = 0;
  /** Events up to and including this revision are compacted. */
  compactedRevision: number;

  constructor(compactedRevision: number) {
    this.compactedRevision = compactedRevision;
  }

  get length(): number {
    return this.#events.length - this.#first;
  }

  add(event: StoreEvent): void {
    this.#events.push(event);
  }

  /** The revision of the event that has `kept - 1` later events. */
  revisionBefore(kept: number): number {
    const event = this.#events[this.#events.length - kept - 1];
    return event === undefined ? this.compactedRevision : event.entry.revision;
  }

  /** Events of a resource after `revision`. */
  *since(resource: string, revision: number): Generator<StoreEvent> {
    for (let at = this.#indexAfter(revision); at < this.#events.length; at++) {
      const event = this.#events[at] as StoreEvent;
      if (event.entry.key.resource === resource) yield event;
    }
  }

  /** The objects of a resource at `revision`: the current objects, with all later events undone. */
  rewind(resource: string, current: readonly Entry[], revision: number): Entry[] {
    const objects = new Map(current.map((entry) => [keyText(entry.key.namespace, entry.key.name), entry]));
    for (const event of [...this.since(resource, revision)].reverse()) {
      const key = keyText(event.entry.key.namespace, event.entry.key.name);
      if (event.previous === undefined) objects.delete(key);
      else objects.set(key, event.previous);
    }
    return [...objects.values()].sort((a, b) => compareKeys(a.key, b.key));
  }

  /** Forgets events up to `revision`. Returns the revisions of versions that nothing needs any more. */
  compact(revision: number): number[] {
    const end = this.#indexAfter(revision);
    const superseded: number[] = [];
    for (; this.#first < end; this.#first++) {
      const event = this.#events[this.#first] as StoreEvent;
      if (event.previous !== undefined) superseded.push(event.previous.revision);
      if (event.type === 'DELETED') superseded.push(event.entry.revision);
    }
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
    this.compactedRevision = Math.max(this.compactedRevision, revision);
    return superseded;
  }

  #indexAfter(revision: number): number {
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as StoreEvent).entry.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
