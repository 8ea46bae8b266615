// What happens by itself after a write: dependents of gone owners go, namespaces and definitions are emptied before they end.

import type { Logger } from '#base';
import { errorText } from '#base';
import {
  type ApiObject,
  clone,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  stringAt,
  valueAt,
} from '../json.ts';
import { customResourceFinalizer } from '../kinds/custom-resource-definition.ts';
import { namespaceFinalizer } from '../kinds/namespace.ts';
import { type Resource, storageName } from '../resource.ts';
import { StatusError } from '../status.ts';
import type { Entry, StoreEvent } from '../store/entry.ts';
import { type DeleteOptions, deleteObject } from './deletion.ts';
import { foregroundFinalizer, orphanFinalizer } from './finalizers.ts';
import type { Objects } from './objects.ts';
import type { WriteOptions } from './ports.ts';
import type { Target } from './target.ts';

const background: DeleteOptions = { propagationPolicy: 'Background', dryRun: false };
const asServer: WriteOptions = {
  manager: 'orbweaver-apiserver',
  dryRun: false,
  fieldValidation: 'Ignore',
  warnings: [],
};

/** The garbage collector and its kin: runs in the background, woken by events. */
export class Lifecycle {
  readonly #objects: Objects;
  readonly #logger: Logger;
  /** Objects by the uid of each owner they name. */
  readonly #dependents = new Map<string, Map<string, Entry>>();
  /** Objects to look at again, by a key of theirs. */
  readonly #queue = new Map<string, Entry>();
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(objects: Objects, logger: Logger) {
    this.#objects = objects;
    this.#logger = logger;
    const { store } = objects.context;
    for (const resource of store.resources())
      for (const entry of store.list(resource)) this.#index(undefined, entry);
    store.subscribe((events) => {
      for (const event of events) this.#observe(event);
    });
  }

  /** Looks at everything once: what was due when the server stopped. */
  start(): void {
    const { store } = this.#objects.context;
    for (const resource of store.resources()) for (const entry of store.list(resource)) this.#enqueue(entry);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  #observe(event: StoreEvent): void {
    this.#index(event.previous, event.type === 'DELETED' ? undefined : event.entry);
    const { object, key } = event.entry;
    const uid = stringAt(object, 'metadata', 'uid') ?? '';
    if (event.type !== 'DELETED') {
      if (
        object.metadata.deletionTimestamp !== undefined ||
        listAt(object, 'metadata', 'ownerReferences').length > 0
      )
        this.#enqueue(event.entry);
      return;
    }
    for (const dependent of this.#dependents.get(uid)?.values() ?? []) this.#enqueue(dependent);
    for (const reference of listAt(object, 'metadata', 'ownerReferences'))
      this.#enqueueOwner(key.namespace, reference);
    this.#enqueueContainers(event.entry);
  }

  /** A namespace or definition that waits for this object to go. */
  #enqueueContainers({ key }: Entry): void {
    const { store } = this.#objects.context;
    const namespace = store.get({ resource: 'namespaces.', namespace: '', name: key.namespace });
    if (namespace?.object.metadata.deletionTimestamp !== undefined) this.#enqueue(namespace);
    const definition = store.get({
      resource: 'customresourcedefinitions.apiextensions.k8s.io',
      namespace: '',
      name: key.resource,
    });
    if (definition?.object.metadata.deletionTimestamp !== undefined) this.#enqueue(definition);
  }

  #index(before: Entry | undefined, now: Entry | undefined): void {
    for (const uid of ownerUids(before)) this.#dependents.get(uid)?.delete(keyOfEntry(before as Entry));
    for (const uid of ownerUids(now)) {
      const dependents = this.#dependents.get(uid) ?? new Map<string, Entry>();
      this.#dependents.set(uid, dependents.set(keyOfEntry(now as Entry), now as Entry));
    }
  }

  #enqueueOwner(namespace: string, reference: Json): void {
    const owner = this.#owner(namespace, reference);
    if (owner !== undefined) this.#enqueue(owner);
  }

  #enqueue(entry: Entry): void {
    this.#queue.set(keyOfEntry(entry), entry);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    // Let the answer to the client that caused it go first.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#closed) {
      const [next] = this.#queue;
      if (next === undefined) return;
      this.#queue.delete(next[0]);
      const current = this.#objects.context.store.get(next[1].key);
      if (current === undefined) continue;
      try {
        await this.#settle(current);
      } catch (error) {
        const { key } = current;
        // Somebody else was faster: their event brings the object here again.
        if (error instanceof StatusError && (error.code === 404 || error.code === 409)) continue;
        this.#logger.error(
          { resource: key.resource, namespace: key.namespace, name: key.name, error: errorText(error) },
          'cleaning up failed',
        );
      }
    }
  }

  async #settle(entry: Entry): Promise<void> {
    const { object } = entry;
    const target = this.#target(entry);
    if (target === undefined) return;
    if (object.metadata.deletionTimestamp === undefined) return this.#collect(entry, target);
    const finalizers = listAt(object, 'metadata', 'finalizers');
    if (finalizers.includes(orphanFinalizer)) return this.#orphan(entry, target);
    if (finalizers.includes(foregroundFinalizer)) return this.#foreground(entry, target);
    if (entry.key.resource === 'namespaces.') return this.#emptyNamespace(entry, target);
    if (finalizers.includes(customResourceFinalizer)) return this.#emptyDefinition(entry, target);
  }

  /** Deletes an object all of whose owners are gone; drops references to gone ones where another is left. */
  async #collect(entry: Entry, target: Target): Promise<void> {
    const references = listAt(entry.object, 'metadata', 'ownerReferences');
    if (references.length === 0) return;
    const owners = references.map((reference) => this.#owner(entry.key.namespace, reference));
    const solid = owners.filter((owner) => owner !== undefined && !waitsForDependents(owner.object));
    if (solid.length > 0) {
      if (solid.length === references.length) return;
      const left = references.filter((_, index) => solid.includes(owners[index]));
      await this.#change(target, (next) => {
        next.metadata.ownerReferences = left;
      });
      return;
    }
    const waiting = owners.some((owner) => owner !== undefined);
    const uid = stringAt(entry.object, 'metadata', 'uid') ?? '';
    const hasDependents = (this.#dependents.get(uid)?.size ?? 0) > 0;
    await deleteObject(
      this.#objects,
      target,
      waiting && hasDependents
        ? { propagationPolicy: 'Foreground', dryRun: false }
        : { ...keptPolicy(entry.object), dryRun: false },
    );
  }

  async #orphan(entry: Entry, target: Target): Promise<void> {
    const uid = stringAt(entry.object, 'metadata', 'uid') ?? '';
    for (const dependent of [...(this.#dependents.get(uid)?.values() ?? [])]) {
      const its = this.#target(dependent);
      if (its === undefined) continue;
      await this.#change(its, (next) => {
        const left = listAt(next, 'metadata', 'ownerReferences').filter(
          (reference) => stringAt(reference, 'uid') !== uid,
        );
        if (left.length > 0) next.metadata.ownerReferences = left;
        else delete next.metadata.ownerReferences;
      });
    }
    await this.#dropFinalizer(target, orphanFinalizer);
  }

  /** Dependents first; those that do not block are deleted but not waited for. */
  async #foreground(entry: Entry, target: Target): Promise<void> {
    const uid = stringAt(entry.object, 'metadata', 'uid') ?? '';
    const dependents = [...(this.#dependents.get(uid)?.values() ?? [])];
    for (const dependent of dependents) {
      if (dependent.object.metadata.deletionTimestamp === undefined) this.#enqueue(dependent);
    }
    const blocks = (reference: Json) =>
      stringAt(reference, 'uid') === uid && valueAt(reference, 'blockOwnerDeletion') === true;
    const blocked = dependents.some(({ object }) =>
      listAt(object, 'metadata', 'ownerReferences').some(blocks),
    );
    if (!blocked) await this.#dropFinalizer(target, foregroundFinalizer);
  }

  async #emptyNamespace(entry: Entry, target: Target): Promise<void> {
    const { store } = this.#objects.context;
    const content = store
      .resources()
      .flatMap((resource) => store.list(resource).filter(({ key }) => key.namespace === entry.key.name));
    for (const inside of content) await this.#deleteInside(inside);
    const left = store
      .resources()
      .some((resource) => store.list(resource).some(({ key }) => key.namespace === entry.key.name));
    if (left) return;
    await this.#change(target, (next) => {
      const kept = listAt(next, 'spec', 'finalizers').filter((finalizer) => finalizer !== namespaceFinalizer);
      next.spec = { ...objectAt(next, 'spec'), finalizers: kept };
    });
  }

  async #emptyDefinition(entry: Entry, target: Target): Promise<void> {
    const { store } = this.#objects.context;
    for (const inside of store.list(entry.key.name)) await this.#deleteInside(inside);
    if (store.list(entry.key.name).length === 0) await this.#dropFinalizer(target, customResourceFinalizer);
  }

  /** Pods of a namespace that ends still get their grace. */
  async #deleteInside(entry: Entry): Promise<void> {
    const target = this.#target(entry);
    const marked = entry.object.metadata.deletionTimestamp !== undefined;
    if (target !== undefined && !marked) await deleteObject(this.#objects, target, background);
  }

  async #dropFinalizer(target: Target, finalizer: string): Promise<void> {
    await this.#change(target, (next) => {
      next.metadata.finalizers = listAt(next, 'metadata', 'finalizers').filter(
        (present) => present !== finalizer,
      );
    });
  }

  async #change(target: Target, change: (next: ApiObject) => void): Promise<void> {
    await this.#objects.update(
      target,
      '',
      (current) => {
        const next = clone(current);
        change(next);
        return next;
      },
      asServer,
    );
  }

  #owner(namespace: string, reference: Json): Entry | undefined {
    const { store, registry } = this.#objects.context;
    const version = stringAt(reference, 'apiVersion') ?? '';
    const group = version.includes('/') ? (version.split('/')[0] ?? '') : '';
    const resource = registry.findKind(group, stringAt(reference, 'kind') ?? '');
    if (resource === undefined) return undefined;
    const place = resource.namespaced ? namespace : '';
    const entry = store.get({
      resource: storageName(resource),
      namespace: place,
      name: stringAt(reference, 'name') ?? '',
    });
    return entry?.object.metadata.uid === stringAt(reference, 'uid') ? entry : undefined;
  }

  #target({ key }: Entry): Target | undefined {
    const resource: Resource | undefined = this.#objects.context.registry.findStored(key.resource);
    return resource === undefined ? undefined : { resource, namespace: key.namespace, name: key.name };
  }
}

function waitsForDependents(object: ApiObject): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    listAt(object, 'metadata', 'finalizers').includes(foregroundFinalizer)
  );
}

/** A dependent that is to be orphaned or waited for keeps its own finalizer. */
function keptPolicy(object: ApiObject): Pick<DeleteOptions, 'propagationPolicy'> {
  const finalizers = listAt(object, 'metadata', 'finalizers');
  return finalizers.includes(orphanFinalizer) || finalizers.includes(foregroundFinalizer)
    ? {}
    : { propagationPolicy: 'Background' };
}

function ownerUids(entry: Entry | undefined): string[] {
  if (entry === undefined) return [];
  return listAt(entry.object, 'metadata', 'ownerReferences').flatMap((reference: Json) => {
    const uid = isObject(reference) ? (reference as JsonObject).uid : undefined;
    return typeof uid === 'string' ? [uid] : [];
  });
}

function keyOfEntry({ key }: Entry): string {
  return `${key.resource} ${key.namespace}/${key.name}`;
}
