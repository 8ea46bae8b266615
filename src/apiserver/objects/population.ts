// Counts the objects of each namespace and each kind. The server sees the last one go without a search through the store.

import type { ObjectKey, StoreEvent } from '../store/index.ts';

/** Counts by namespace, and by resource. */
export class Population {
  readonly #byNamespace = new Map<string, number>();
  readonly #byResource = new Map<string, number>();

  add(key: ObjectKey): void {
    change(this.#byNamespace, key.namespace, 1);
    change(this.#byResource, key.resource, 1);
  }

  observe({ type, entry }: StoreEvent): void {
    if (type === 'ADDED') this.add(entry.key);
    if (type !== 'DELETED') return;
    change(this.#byNamespace, entry.key.namespace, -1);
    change(this.#byResource, entry.key.resource, -1);
  }

  isEmptyNamespace(name: string): boolean {
    return !this.#byNamespace.has(name);
  }

  isEmptyResource(resource: string): boolean {
    return !this.#byResource.has(resource);
  }
}

function change(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
