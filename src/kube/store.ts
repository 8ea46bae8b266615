// The objects of a reflector, by namespace and name and by any index that its owner requests.

import type { KubeObject } from '#api';

/** The keys under which an index files an object. */
export type IndexKeys<T> = (object: T) => readonly string[];

/** `namespace/name`, or only the name if there is no namespace. Work queues use the same key. */
export function keyOf(object: KubeObject): string {
  return keyFor(object.metadata.name ?? '', object.metadata.namespace);
}

function keyFor(name: string, namespace?: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** Only its reflector may change it. Objects in it must not be changed. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: Map<string, { keys: IndexKeys<T>; members: Map<string, Set<string>> }>;

  constructor(indexes: Readonly<Record<string, IndexKeys<T>>> = {}) {
    this.#indexes = new Map(
      Object.entries(indexes).map(([name, keys]) => [
        name,
        { keys, members: new Map<string, Set<string>>() },
      ]),
    );
  }

  get size(): number {
    return this.#objects.size;
  }

  get(name: string, namespace?: string): T | undefined {
    return this.#objects.get(keyFor(name, namespace));
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** The objects that `index` files under `key`. */
  by(index: string, key: string): T[] {
    const members = this.#indexes.get(index)?.members.get(key) ?? [];
    return [...members].flatMap((member) => this.#objects.get(member) ?? []);
  }

  /** Stores the object and returns the one it replaces. */
  put(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.remove(key);
    this.#objects.set(key, object);
    for (const { keys, members } of this.#indexes.values()) {
      for (const indexKey of keys(object)) {
        const files = members.get(indexKey) ?? new Set();
        members.set(indexKey, files.add(key));
      }
    }
    return before;
  }

  /** Removes the object and returns it. */
  remove(key: string): T | undefined {
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    this.#objects.delete(key);
    for (const { keys, members } of this.#indexes.values()) {
      for (const indexKey of keys(object)) {
        const files = members.get(indexKey);
        files?.delete(key);
        if (files?.size === 0) members.delete(indexKey);
      }
    }
    return object;
  }
}
