// Kubernetes Events, which `kubectl describe` shows below an object. A repeated event raises a count.

import { apiVersionOf, type Event, type KubeObject, type ResourceType, resources } from '#api';
import { type Clock, errorText, type Logger, timeText } from '#base';
import type { KubeClient } from './client.ts';
import { ifFound } from './if-found.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The program, for example `orbweaver-agent`. */
  readonly component: string;
  /** The node, if the program serves one. */
  readonly host?: string;
}

/** An event from its caller. `reason` is one word in CamelCase. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** A repeat within this time raises the count of the previous event (client-go, tools/record). */
const AGGREGATION_MS = 10 * 60_000;
const REMEMBERED_EVENTS = 1000;
/** More events than this wait only while the server does not answer. Further events are only logged. */
const WAITING_EVENTS = 1000;

interface Remembered {
  readonly event: Event;
  readonly lastMs: number;
}

/** Records events without making the caller wait. An event that cannot be written is logged and lost. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** In order of last use. */
  readonly #remembered = new Map<string, Remembered>();
  /** Events are written one at a time, so that a repeat finds the earlier event. */
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #count = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record<T extends KubeObject>(type: ResourceType<T>, object: T, note: EventNote): void {
    if (this.#waiting === WAITING_EVENTS) {
      this.#lose(note, `${WAITING_EVENTS} Events wait already`);
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail
      .then(() => this.#write(type, object, note))
      .catch((error: unknown) => this.#lose(note, errorText(error)))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  #lose({ reason, message }: EventNote, error: string): void {
    this.#options.log.warn({ reason, note: message, error }, 'an Event could not be written');
  }

  /** Resolves when all events so far are written. */
  settled(): Promise<void> {
    return this.#tail;
  }

  async #write(type: ResourceType, object: KubeObject, note: EventNote): Promise<void> {
    const key = JSON.stringify([type.kind, object.metadata.uid, note]);
    const nowMs = this.#options.clock.now();
    const before = this.#remembered.get(key);
    const repeats = before !== undefined && nowMs - before.lastMs < AGGREGATION_MS;
    const event =
      (repeats && (await this.#countUp(before.event, nowMs))) ||
      (await this.#create(type, object, note, nowMs));
    this.#remembered.delete(key);
    this.#remembered.set(key, { event, lastMs: nowMs });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_EVENTS && oldest !== undefined) this.#remembered.delete(oldest);
  }

  /** Undefined if the server has deleted the event (it keeps events for an hour). */
  async #countUp({ metadata, count = 1 }: Event, nowMs: number): Promise<Event | undefined> {
    const { name = '', namespace = 'default' } = metadata;
    const body = { count: count + 1, lastTimestamp: timeText(nowMs) };
    const patch = { type: 'merge', body } as const;
    return ifFound(this.#options.client.patch(resources.events, { name, namespace }, patch));
  }

  #create(type: ResourceType, object: KubeObject, note: EventNote, nowMs: number): Promise<Event> {
    const { name = '', namespace = 'default', uid } = object.metadata;
    const { component, host } = this.#options;
    this.#count += 1;
    return this.#options.client.create(resources.events, {
      // Unique across programs and restarts: the time, and a count for events of the same millisecond.
      metadata: { name: `${name}.${nowMs.toString(16)}.${this.#count.toString(16)}`, namespace },
      involvedObject: {
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        name,
        ...(type.namespaced && { namespace }),
        ...(uid !== undefined && { uid }),
      },
      ...note,
      count: 1,
      firstTimestamp: timeText(nowMs),
      lastTimestamp: timeText(nowMs),
      source: { component, ...(host !== undefined && { host }) },
      reportingComponent: component,
      ...(host !== undefined && { reportingInstance: host }),
    });
  }
}
