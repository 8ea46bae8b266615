// Creates, changes and applies objects. Every write to the store goes through here.

import { sameBesidesTimes, serverSideApply, trackUpdate, type Writer } from '../apply/index.ts';
import { type ApiObject, clone, numberAt } from '../json.ts';
import { nameOf, newMetadata, stamp } from '../metadata.ts';
import type { ObjectContext, WriteOptions } from '../ports.ts';
import { apiVersion, type Resource } from '../resource.ts';
import { alreadyExists, badRequest, forbidden, notFound } from '../status.ts';
import type { Entry } from '../store/index.ts';
import { admissionRequest, admit } from './admission.ts';
import { dropUnknown, fillDefaults } from './checks.ts';
import { mayBeRemoved } from './finalizers.ts';
import { combine, contentChanged, refuseStale } from './successor.ts';
import { keyOf, type Subresource, type Target } from './target.ts';

/** The result of a write. */
export interface Written {
  readonly entry: Entry;
  readonly created: boolean;
}

/** Writes objects by the rules of the API. Send the answer only after the store is durable. */
export class Objects {
  readonly context: ObjectContext;

  constructor(context: ObjectContext) {
    this.context = context;
  }

  get(target: Target): Entry {
    const entry = this.context.store.get(keyOf(target));
    if (entry === undefined) throw notFound(target.resource, target.name);
    return entry;
  }

  /** Creates `object`; 409 when its name is taken. */
  async create(
    resource: Resource,
    namespace: string,
    object: ApiObject,
    options: WriteOptions,
  ): Promise<Entry> {
    const { store, clock } = this.context;
    const name = nameOf(object);
    this.#requireNamespace(resource, namespace, name);
    if (store.get(keyOf({ resource, namespace, name })) !== undefined) throw alreadyExists(resource, name);
    dropUnknown(this.context, resource, object, options);
    if (object.metadata.resourceVersion)
      throw badRequest('resourceVersion should not be set on objects to be created');
    object.metadata = newMetadata(resource, object, namespace, name, clock.now());
    if (resource.statusSubresource) delete object.status;
    fillDefaults(resource, object);
    this.context.strategyOf(resource)?.prepareCreate?.(object);
    const request = admissionRequest('CREATE', { resource, namespace, name }, object, undefined, '', options);
    return this.#settling(resource, object, async () => {
      const admitted = await admit(this.context, resource, request);
      trackUpdate(resource, admitted, undefined, this.#writer(resource, options, ''), stamp(clock.now()));
      return this.#store({ resource, namespace, name }, undefined, admitted, options);
    });
  }

  /**
   * Changes an object. `change` gets the current object, must not modify it, and returns one that shares nothing with it.
   * It is called again after a conflict with another write, unless its result names a resourceVersion.
   */
  async update(
    target: Target,
    subresource: Subresource,
    change: (current: ApiObject) => ApiObject,
    options: WriteOptions,
    managed = false,
  ): Promise<Entry> {
    for (;;) {
      const current = this.get(target);
      const prepared = this.#prepareUpdate(
        target,
        current.object,
        change(current.object),
        subresource,
        options,
      );
      const stored = await this.#settling(target.resource, prepared, async () => {
        const next = await this.#admitUpdate(target, current.object, prepared, subresource, options);
        if (!managed) {
          const time = stamp(this.context.clock.now());
          trackUpdate(
            target.resource,
            next,
            current.object,
            this.#writer(target.resource, options, subresource),
            time,
          );
        }
        if (sameBesidesTimes(next, current.object)) return current;
        return this.#storeOrRemove(target, current, next, options);
      });
      if (stored !== undefined) return stored;
    }
  }

  /** Server-side apply: creates the object when it does not exist. */
  async apply(
    target: Target,
    subresource: Subresource,
    applied: ApiObject,
    options: WriteOptions & { readonly force: boolean },
  ): Promise<Written> {
    const { resource } = target;
    dropUnknown(this.context, resource, applied, options);
    const writer: Writer = { ...this.#writer(resource, options, subresource), operation: 'Apply' };
    const hasStatus = resource.statusSubresource;
    const request = {
      schema: resource.schema,
      hasStatus,
      writer,
      force: options.force,
      time: stamp(this.context.clock.now()),
    };
    if (this.context.store.get(keyOf(target)) === undefined && subresource === '') {
      const made = serverSideApply(undefined, applied, request);
      return { entry: await this.#createApplied(target, made, options), created: true };
    }
    const change = (current: ApiObject) => {
      const merged = clone(serverSideApply(current, applied, request));
      const expected = applied.metadata.resourceVersion;
      if (typeof expected === 'string') merged.metadata.resourceVersion = expected;
      return merged;
    };
    return { entry: await this.update(target, subresource, change, options, true), created: false };
  }

  async #createApplied(target: Target, object: ApiObject, options: WriteOptions): Promise<Entry> {
    const { resource, namespace, name } = target;
    this.#requireNamespace(resource, namespace, name);
    const managedFields = object.metadata.managedFields ?? [];
    const made = clone(object);
    made.metadata = {
      ...newMetadata(resource, made, namespace, name, this.context.clock.now()),
      managedFields,
    };
    if (resource.statusSubresource) delete made.status;
    fillDefaults(resource, made);
    this.context.strategyOf(resource)?.prepareCreate?.(made);
    const request = admissionRequest('CREATE', target, made, undefined, '', options);
    return this.#settling(resource, made, async () =>
      this.#store(target, undefined, await admit(this.context, resource, request), options),
    );
  }

  /** The object in the form that admission judges. */
  #prepareUpdate(
    target: Target,
    current: ApiObject,
    wanted: ApiObject,
    subresource: Subresource,
    options: WriteOptions,
  ): ApiObject {
    const { resource } = target;
    refuseStale(target, current, wanted);
    dropUnknown(this.context, resource, wanted, options);
    const next = combine(resource, current, wanted, subresource);
    fillDefaults(resource, next);
    if (subresource === '') this.context.strategyOf(resource)?.prepareUpdate?.(next, current);
    return next;
  }

  async #admitUpdate(
    target: Target,
    current: ApiObject,
    next: ApiObject,
    subresource: Subresource,
    options: WriteOptions,
  ): Promise<ApiObject> {
    const { resource } = target;
    const request = admissionRequest('UPDATE', target, next, current, subresource, options);
    const admitted = await admit(this.context, resource, request);
    const generation = numberAt(current, 'metadata', 'generation');
    if (generation !== undefined && subresource === '' && contentChanged(resource, admitted, current)) {
      admitted.metadata.generation = generation + 1;
    }
    return admitted;
  }

  /** Undefined when another write came first. */
  #storeOrRemove(target: Target, current: Entry, next: ApiObject, options: WriteOptions): Entry | undefined {
    const { store } = this.context;
    if (options.dryRun) return dryEntry(target, next);
    if (!mayBeRemoved(next)) return store.put(keyOf(target), current, next);
    const removed = store.remove(current, next);
    if (removed !== undefined) this.context.strategyOf(target.resource)?.removed?.(next);
    return removed;
  }

  #store(target: Target, current: Entry | undefined, object: ApiObject, options: WriteOptions): Entry {
    // The namespace may have started to terminate during admission. Then it has already looked for its content.
    this.#requireNamespace(target.resource, target.namespace, target.name);
    if (options.dryRun) return dryEntry(target, object);
    const entry = this.context.store.put(keyOf(target), current, object);
    if (entry === undefined) throw alreadyExists(target.resource, target.name);
    return entry;
  }

  /** Writes an object that a strategy has prepared. Then calls the strategy's `settled`, also after a failure. */
  async #settling<T>(resource: Resource, prepared: ApiObject, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } finally {
      this.context.strategyOf(resource)?.settled?.(prepared);
    }
  }

  #requireNamespace(resource: Resource, namespace: string, name: string): void {
    if (!resource.namespaced) return;
    const found = this.context.store.get({ resource: 'namespaces.', namespace: '', name: namespace });
    if (found === undefined) throw notFound({ group: '', plural: 'namespaces' }, namespace);
    if (found.object.metadata.deletionTimestamp !== undefined) {
      throw forbidden(
        resource,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  }

  #writer(resource: Resource, options: WriteOptions, subresource: Subresource): Writer {
    return { manager: options.manager, operation: 'Update', apiVersion: apiVersion(resource), subresource };
  }
}

/** The answer to a dry run: the object as if stored, with the current revision. */
function dryEntry(target: Target, object: ApiObject): Entry {
  return { key: keyOf(target), revision: 0, object, bytes: Buffer.from(JSON.stringify(object)) };
}
