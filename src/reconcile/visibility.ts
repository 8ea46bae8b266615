// Waits until one of our writes has come back through the watch.

import type { KubeObject, ResourceType } from '#api';
import { abortable, type Clock } from '#base';
import { keyOf, type ObjectChange } from '#kube';

/** A watch that lags longer than this is broken. Then a new list follows and informs the controllers. */
const PATIENCE_MS = 2000;

interface Waiting {
  readonly isOver: (change: ObjectChange<KubeObject>) => boolean;
  readonly wake: () => void;
}

/** What the watches have shown, so that a caller can wait for it. */
export class Visibility {
  readonly #clock: Clock;
  /** The newest state seen of each object. */
  readonly #seen = new Map<string, KubeObject>();
  /** The newest version seen of each type. A watch shows the changes of a type in the order of their versions. */
  readonly #newest = new Map<string, bigint>();
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called for every change, after the store has it. */
  saw(type: ResourceType, change: ObjectChange<KubeObject>): void {
    const key = idOf(type, change.object);
    const version = versionOf(change.object);
    const kind = kindOf(type);
    if (version >= (this.#newest.get(kind) ?? 0n)) this.#newest.set(kind, version);
    if (change.type === 'deleted') this.#seen.delete(key);
    else this.#seen.set(key, change.object);
    for (const waiting of this.#waiting.get(key) ?? []) if (waiting.isOver(change)) waiting.wake();
  }

  /**
   * Resolves when the watch has shown the object in this version or a newer one, or that it is gone since. Rejects with the
   * signal's reason if the signal aborts first.
   */
  async until(type: ResourceType, object: KubeObject, signal: AbortSignal): Promise<void> {
    const newest = this.#newest.get(kindOf(type));
    if (newest !== undefined && newest >= versionOf(object)) return;
    const isOver = (change: ObjectChange<KubeObject>) =>
      change.type === 'deleted' || versionOf(change.object) >= versionOf(object);
    await this.#wait(type, object, isOver, signal);
  }

  /** Resolves when the watch has shown that the object is gone or terminating. Rejects as {@link until} does. */
  async untilGone(type: ResourceType, object: KubeObject, signal: AbortSignal): Promise<void> {
    const seen = this.#seen.get(idOf(type, object));
    if (seen === undefined || seen.metadata.uid !== object.metadata.uid || isGoing(seen)) return;
    const isOver = ({ type: how, object: now }: ObjectChange<KubeObject>) =>
      how === 'deleted' || isGoing(now);
    await this.#wait(type, object, isOver, signal);
  }

  async #wait(
    type: ResourceType,
    object: KubeObject,
    isOver: Waiting['isOver'],
    signal: AbortSignal,
  ): Promise<void> {
    const key = idOf(type, object);
    const all = this.#waiting.get(key) ?? new Set<Waiting>();
    this.#waiting.set(key, all);
    const patience = new AbortController();
    const over = Promise.withResolvers<void>();
    const waiting = { isOver, wake: over.resolve };
    all.add(waiting);
    this.#clock.sleep(PATIENCE_MS, patience.signal).then(over.resolve, () => {}); // aborted: the change was seen
    await abortable(over.promise, signal).finally(() => {
      patience.abort();
      all.delete(waiting);
      if (all.size === 0 && this.#waiting.get(key) === all) this.#waiting.delete(key);
    });
  }
}

function isGoing({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function kindOf({ group, plural }: ResourceType): string {
  return `${group}/${plural}`;
}

function idOf(type: ResourceType, object: KubeObject): string {
  return `${kindOf(type)}/${keyOf(object)}`;
}

/** Compares resource versions as growing numbers of one server. Kubernetes 1.35 promises this; earlier versions did it too. */
function versionOf({ metadata }: KubeObject): bigint {
  return /^\d+$/.test(metadata.resourceVersion ?? '') ? BigInt(metadata.resourceVersion ?? 0) : 0n;
}
