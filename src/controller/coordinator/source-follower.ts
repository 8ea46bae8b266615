// Follows one source of the cluster's networks, and says how far it was read.

import type { KubeObject } from '#api';
import { type Clock, errorText, isOrbError, type Logger } from '#base';
import { type KubeClient, Reflector } from '#kube';
import type { Reading, Source } from '#plan/discovery';

export interface FollowerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each change of what was read. */
  readonly changed: () => void;
}

/** Why a source was not read, or that it was. */
type State = Exclude<Reading<never>, { state: 'read' }> | 'read';

/** One source. */
export class SourceFollower {
  readonly #reflector: Reflector<KubeObject>;
  readonly #changed: () => void;
  /** Undefined until the first list was answered. */
  #state: State | undefined;

  constructor({ client, clock, log, changed }: FollowerOptions, { type, ...selection }: Source) {
    this.#changed = changed;
    this.#reflector = new Reflector<KubeObject>({
      ...{ client, clock, log, type, selection },
      onState: (error) => this.#is(error === undefined ? 'read' : this.#after(error)),
    });
    this.#reflector.subscribe(() => {
      if (this.#state === 'read') this.#changed();
    });
    this.#reflector.start();
  }

  get reading(): Reading<KubeObject> | undefined {
    return this.#state === 'read' ? { state: 'read', items: this.#reflector.store.list() } : this.#state;
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  #is(state: State): void {
    this.#state = state;
    this.#changed();
  }

  #after(error: unknown): State {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return { state: 'notServed' };
    if (isOrbError(error, 'KUBE_FORBIDDEN')) return { state: 'forbidden', said: errorText(error) };
    // What was read stays true while the API server is away.
    return this.#state === 'read' ? 'read' : { state: 'failed', said: errorText(error) };
  }
}
