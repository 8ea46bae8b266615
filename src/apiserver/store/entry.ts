// One version of one object, as stored, and the event that made it.

import type { ApiObject } from '../json.ts';

/** Where an object lives: `resource` is `plural.group` (`pods.` for the core group); namespace empty for cluster-wide kinds. */
export interface ObjectKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** A stored version: parsed, and as the bytes that answers and watches share. Never changed after it was made. */
export interface Entry {
  readonly key: ObjectKey;
  readonly revision: number;
  readonly object: ApiObject;
  readonly bytes: Buffer;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** A change of the store. A deletion carries the last state under the deletion's own revision. */
export interface StoreEvent {
  readonly type: EventType;
  readonly entry: Entry;
  /** What the event replaced; undefined for ADDED. */
  readonly previous: Entry | undefined;
}

/** The order of lists: namespace, then name, by code units as etcd orders keys. */
export function compareKeys(a: ObjectKey, b: ObjectKey): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** A key as one string, unique within its resource. */
export function keyText(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}
