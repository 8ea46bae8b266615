// Updates the registry from the stored CustomResourceDefinitions.

import { resourcesOf } from './kinds/index.ts';
import type { Registry } from './registry.ts';
import type { Resource } from './resource.ts';
import type { Schema } from './schema/index.ts';
import type { Entry, Store } from './store/index.ts';

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

export class CustomKinds {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #metaSchema: Schema;
  readonly #served = new Map<string, readonly Resource[]>();

  constructor(store: Store, registry: Registry, metaSchema: Schema) {
    this.#store = store;
    this.#registry = registry;
    this.#metaSchema = metaSchema;
  }

  /** Serves the kinds of the present definitions, and follows every later change. */
  follow(): void {
    for (const entry of this.#store.list(DEFINITIONS)) this.#serve(entry);
    this.#store.subscribe((events) => {
      for (const { type, entry } of events) {
        if (entry.key.resource !== DEFINITIONS) continue;
        this.#forget(entry.key.name);
        if (type !== 'DELETED') this.#serve(entry);
      }
    });
  }

  #serve(entry: Entry): void {
    const resources = resourcesOf(entry.object, this.#metaSchema);
    for (const resource of resources) this.#registry.add(resource);
    this.#served.set(entry.key.name, resources);
  }

  #forget(name: string): void {
    for (const resource of this.#served.get(name) ?? []) this.#registry.remove(resource);
    this.#served.delete(name);
  }
}
