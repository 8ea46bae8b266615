// One version of one object, as stored, and the event that made it.

import type { ApiObject } from '../json.ts';

/**
 * The key of an object. `resource` is `plural.group` (`pods.` for the core group).
 * The namespace is empty for cluster-wide kinds.
 */
export interface ObjectKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** A stored version, parsed and as bytes. Answers and watches share the bytes. Nothing changes it later. */
export interface Entry {
  readonly key: ObjectKey;
  readonly revision: number;
  readonly object: ApiObject;
  readonly bytes: Buffer;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** A change of the store. A deletion has the last state, with the deletion's own revision. */
export interface StoreEvent {
  readonly type: EventType;
  readonly entry: Entry;
  /** The version that the event replaced; undefined for ADDED. */
  readonly previous: Entry | undefined;
}

/** The order of lists: namespace, then name, by code units. etcd orders keys in the same way. */
export function compareKeys(a: ObjectKey, b: ObjectKey): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** A key as one string, unique within its resource. */
export function keyText(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}
