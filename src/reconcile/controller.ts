// A controller: from the state of the cluster to actions, key by key, and the keys that a change concerns.

import type { KubeObject } from '#api';
import type { Action } from './action.ts';
import type { KindName, Kinds, StateOf } from './informers.ts';

/** What is to be done for a key. The list alone means that nothing else is needed until something changes. */
export type Plan =
  | readonly Action[]
  | {
      readonly actions: readonly Action[];
      /** Plan the key again after this time, also if nothing changes. */
      readonly againAfterMs: number;
    };

/** A key is text that the controller chooses, often `namespace/name`. The README of this folder says what is retried. */
export interface Controller<K extends Kinds> {
  /** The name in the log, in metrics, and as reporter of Events. */
  readonly name: string;
  /** How many keys are worked on at once. Default 1. */
  readonly workers?: number;
  /** The keys to plan again when an object was changed, added or deleted. Asked for the old and the new state. */
  readonly concerns: (kind: KindName<K>, object: KubeObject, state: StateOf<K>) => readonly string[];
  /**
   * Called when the controller begins to work. It may call `changed` with keys to plan again for reasons that the informers
   * do not show. It returns a function that ends this.
   */
  readonly outside?: (changed: (key: string) => void, state: StateOf<K>) => () => void;
  /** The keys to plan again every second, because the passing of time alone may require actions. */
  readonly timed?: (state: StateOf<K>) => readonly string[];
  /**
   * The plan for a key; no actions if all is as it should be. It may call the API or other services and wait for them;
   * `signal` aborts when the controllers end. `now` is RFC 3339 with whole seconds. An error is treated like one of an action.
   */
  readonly plan: (key: string, state: StateOf<K>, now: string, signal: AbortSignal) => Plan | Promise<Plan>;
}

/** Splits a key into namespace and name. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const at = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(at, 0)), name: key.slice(at + 1) };
}
