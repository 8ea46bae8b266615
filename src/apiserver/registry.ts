// The served kinds: built-in ones, and those that CustomResourceDefinitions add and remove.

import type { Resource } from './resource.ts';

/** A lookup of kinds by path and by name. */
export class Registry {
  readonly #byPath = new Map<string, Resource>();
  /** Increases with every change: a document that is made from the registry is cached under this number. */
  generation = 0;

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) this.add(resource);
  }

  add(resource: Resource): void {
    this.#byPath.set(pathOf(resource), resource);
    this.generation++;
  }

  remove(resource: Resource): void {
    if (this.#byPath.get(pathOf(resource)) === resource) this.#byPath.delete(pathOf(resource));
    this.generation++;
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** Any served version of a kind. Garbage collection and the deletion of namespaces need no particular version. */
  findKind(group: string, kind: string): Resource | undefined {
    return this.all().find((resource) => resource.group === group && resource.kind === kind);
  }

  /** Any served version of a stored resource. */
  findStored(storage: string): Resource | undefined {
    return this.all().find((resource) => `${resource.plural}.${resource.group}` === storage);
  }

  all(): Resource[] {
    return [...this.#byPath.values()];
  }

  /** Groups in the order they are served: core first. */
  groups(): Map<string, Map<string, Resource[]>> {
    const groups = new Map<string, Map<string, Resource[]>>();
    for (const resource of this.#byPath.values()) {
      const versions = groups.get(resource.group) ?? new Map<string, Resource[]>();
      groups.set(resource.group, versions);
      versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource]);
    }
    return groups;
  }
}

function pathOf(resource: Resource): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}
