// For tests of plans: a cluster made of plain objects. It applies plans as the API server would.

import type { KubeObject } from '#api';
import { keyOf, Store } from '#kube';
import type { Action } from '../action.ts';
import { type KindName, type Kinds, type ObjectOf, type StateOf, stateIndexes } from '../informers.ts';

/** A state that tests change. */
export class TestCluster<K extends Kinds> {
  readonly state: StateOf<K>;
  readonly #kinds: K;
  readonly #stores: ReadonlyMap<string, Store<KubeObject>>;
  #count = 0;

  constructor(kinds: K) {
    this.#kinds = kinds;
    this.#stores = new Map(Object.keys(kinds).map((kind) => [kind, new Store(stateIndexes)]));
    this.state = Object.fromEntries(this.#stores) as unknown as StateOf<K>;
  }

  /** Adds objects. They get a UID, a generation and a namespace if they have none. */
  put<N extends KindName<K>>(kind: N, ...objects: ObjectOf<K[N]>[]): void {
    for (const object of objects as KubeObject[]) {
      this.#count += 1;
      const { name = `${object.metadata.generateName ?? ''}${this.#count}` } = object.metadata;
      const metadata = { namespace: 'default', uid: `uid-${name}`, generation: 1, ...object.metadata, name };
      this.#stores.get(kind)?.put({ ...object, metadata });
    }
  }

  /** Applies creations, deletions, and merge patches one level deep. */
  perform(actions: readonly Action[]): void {
    for (const action of actions) {
      const kind = Object.keys(this.#kinds).find((one) => this.#kinds[one] === action.type);
      if (action.verb === 'event') continue;
      if (kind === undefined) throw new Error(`${action.type.kind} is not a kind of this cluster`);
      if (action.verb === 'create') this.put(kind, action.object as never);
      else if (action.verb === 'delete') this.#stores.get(kind)?.remove(keyOf(action.object));
      else this.put(kind, mergeOf(action.object, action.body) as never);
    }
  }
}

function mergeOf(object: KubeObject, body: Readonly<Record<string, unknown>>): KubeObject {
  const merged = { ...object } as Record<string, unknown>;
  for (const [field, value] of Object.entries(body)) {
    const all = { ...(merged[field] as object | undefined), ...(value as object) };
    merged[field] = Object.fromEntries(Object.entries(all).filter(([, one]) => one !== null));
  }
  return merged as unknown as KubeObject;
}
