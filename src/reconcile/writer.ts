// Performs the actions of plans. It returns only when the informers show them, so that the next plan cannot repeat them
// (kube-controller-manager uses expectations for this).

import type { KubeObject, ResourceType } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import { EventRecorder, type KubeClient, keyOf, refOf } from '#kube';
import type { Action } from './action.ts';
import { decidingError } from './retry.ts';
import type { Visibility } from './visibility.ts';

export interface WriterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The name of the controller, the reporter of its Events. */
  readonly component: string;
  readonly visibility: Visibility;
  /** Whether the informers follow the type. Nothing waits for objects of other types. */
  readonly follows: (type: ResourceType) => boolean;
}

/** How many writes of one plan run at once. */
const PARALLEL_WRITES = 16;

type Write = Exclude<Action, { verb: 'event' }>;

/** The writes and Events of one controller. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #events: EventRecorder;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#events = new EventRecorder(options);
  }

  /** Resolves when all Events so far are written. */
  eventsWritten(): Promise<void> {
    return this.#events.settled();
  }

  /**
   * Performs the actions, up to 16 at once, so none may depend on another one. After an error the actions that have begun
   * are finished, and no more begin.
   * @throws the error that decides how the key is retried
   */
  async perform(actions: readonly Action[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < actions.length; at += PARALLEL_WRITES) {
      signal.throwIfAborted();
      const batch = actions.slice(at, at + PARALLEL_WRITES).map((action) => this.#perform(action, signal));
      const results = await Promise.allSettled(batch);
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      if (errors.length > 0) throw decidingError(errors);
    }
  }

  async #perform(action: Action, signal: AbortSignal): Promise<void> {
    const { type, object } = action;
    if (action.verb === 'event') {
      this.#events.record(type, object, action.note);
      return;
    }
    try {
      await this.#write(action, signal);
    } catch (error) {
      if (isOrbError(error, 'KUBE_CONFLICT')) await this.#readFresh(action, signal);
      if (!isSettled(action, error)) throw error;
      this.#options.log.debug({ verb: action.verb, object: keyOf(object) }, 'others did it already');
    }
  }

  async #write(action: Write, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const { verb, type, object } = action;
    if (verb === 'create') {
      await this.#shown(type, await client.create(type, object, { signal }), signal);
    } else if (verb === 'delete') {
      const { uid } = object.metadata;
      await client.delete(type, refOf(object), uid === undefined ? {} : { uid }, { signal });
      await this.#shownGone(type, object, signal);
    } else {
      const { body, subresource } = action;
      // The UID makes sure that another object with the same name is not changed.
      const metadata = { ...(body.metadata as object | undefined), uid: object.metadata.uid };
      const patch = {
        type: 'merge',
        body: { ...body, metadata },
        ...(subresource !== undefined && { subresource }),
      } as const;
      await this.#shown(type, await client.patch(type, refOf(object), patch, { signal }), signal);
    }
  }

  /** After a conflict: waits until the informers show what the server has, so that the next plan sees it. */
  async #readFresh({ type, object }: Write, signal: AbortSignal): Promise<void> {
    if (!this.#options.follows(type)) return;
    try {
      await this.#shown(type, await this.#options.client.get(type, refOf(object), { signal }), signal);
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      await this.#shownGone(type, object, signal);
    }
  }

  async #shown(type: ResourceType, object: KubeObject, signal: AbortSignal): Promise<void> {
    if (this.#options.follows(type)) await this.#options.visibility.until(type, object, signal);
  }

  async #shownGone(type: ResourceType, object: KubeObject, signal: AbortSignal): Promise<void> {
    if (this.#options.follows(type)) await this.#options.visibility.untilGone(type, object, signal);
  }
}

/** A deletion wants the object to be gone. A patch of an object that is gone needs no second try. */
function isSettled({ verb }: Write, error: unknown): boolean {
  return isOrbError(error, verb === 'create' ? 'KUBE_ALREADY_EXISTS' : 'KUBE_NOT_FOUND');
}
