// Creating, changing and applying objects: the one way in which anything gets into the store.

import { randomUUID } from 'node:crypto';
import { compare } from '../apply/compare.ts';
import { afterUpdate, managedJson, managedOf, ownedPart, type Writer } from '../apply/managed-fields.ts';
import { serverSideApply } from '../apply/server-side-apply.ts';
import { type ApiObject, clone, equal, type Json, listAt, numberAt, stringAt, valueAt } from '../json.ts';
import { apiVersion, type Resource, storageName } from '../resource.ts';
import { alreadyExists, badRequest, conflict, forbidden, modified, notFound } from '../status.ts';
import type { Entry, ObjectKey } from '../store/entry.ts';
import { admit, dropUnknown, fillDefaults } from './checks.ts';
import { generatedName } from './names.ts';
import type { AdmissionRequest, ObjectContext, WriteOptions } from './ports.ts';

/** An object as named by a request. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** A write's outcome. */
export interface Written {
  readonly entry: Entry;
  readonly created: boolean;
}

/** Where `status` or the object itself is written. */
export type Subresource = '' | 'status';

export function keyOf(target: Target): ObjectKey {
  return { resource: storageName(target.resource), namespace: target.namespace, name: target.name };
}

/** The time as the API writes it: RFC 3339 to the second. */
export function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Writes objects by the rules of the API. An answer may be given once the store is durable. */
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
    this.#requireNamespace(resource, namespace, object.metadata.name);
    if (store.get(keyOf({ resource, namespace, name })) !== undefined) throw alreadyExists(resource, name);
    dropUnknown(this.context, resource, object, options);
    if (object.metadata.resourceVersion)
      throw badRequest('resourceVersion should not be set on objects to be created');
    object.metadata = this.#newMetadata(resource, object, namespace, name);
    if (resource.statusSubresource) delete object.status;
    fillDefaults(resource, object);
    this.context.strategyOf(resource)?.prepareCreate?.(object);
    const request = this.#admissionRequest(
      'CREATE',
      { resource, namespace, name },
      object,
      undefined,
      '',
      options,
    );
    const admitted = await admit(this.context, resource, request);
    this.#track(resource, admitted, undefined, this.#writer(resource, options, ''), stamp(clock.now()));
    return this.#store({ resource, namespace, name }, undefined, admitted, options);
  }

  /**
   * Changes an object: `change` is given the current one (not to be altered) and returns one that shares nothing with it. It is
   * called again when somebody else was faster, unless what it returned names a resourceVersion.
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
      const wanted = change(current.object);
      const next = await this.#prepareUpdate(target, current.object, wanted, subresource, options);
      if (!managed) {
        const time = stamp(this.context.clock.now());
        this.#track(
          target.resource,
          next,
          current.object,
          this.#writer(target.resource, options, subresource),
          time,
        );
      }
      if (equal(next, current.object)) return current;
      const stored = this.#storeOrRemove(target, current, next, options);
      if (stored !== undefined) return stored;
    }
  }

  /** Server-side apply: creates the object when it is not there. */
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
    made.metadata = { ...this.#newMetadata(resource, made, namespace, name), managedFields };
    if (resource.statusSubresource) delete made.status;
    fillDefaults(resource, made);
    this.context.strategyOf(resource)?.prepareCreate?.(made);
    const request = this.#admissionRequest('CREATE', target, made, undefined, '', options);
    return this.#store(target, undefined, await admit(this.context, resource, request), options);
  }

  async #prepareUpdate(
    target: Target,
    current: ApiObject,
    wanted: ApiObject,
    subresource: Subresource,
    options: WriteOptions,
  ): Promise<ApiObject> {
    const { resource } = target;
    refuseStale(target, current, wanted);
    dropUnknown(this.context, resource, wanted, options);
    const next = combine(resource, current, wanted, subresource);
    fillDefaults(resource, next);
    if (subresource === '') this.context.strategyOf(resource)?.prepareUpdate?.(next, current);
    const request = this.#admissionRequest('UPDATE', target, next, current, subresource, options);
    const admitted = await admit(this.context, resource, request);
    const generation = numberAt(current, 'metadata', 'generation');
    if (generation !== undefined && subresource === '' && contentChanged(resource, admitted, current)) {
      admitted.metadata.generation = generation + 1;
    }
    return admitted;
  }

  /** Undefined when somebody else was faster. */
  #storeOrRemove(target: Target, current: Entry, next: ApiObject, options: WriteOptions): Entry | undefined {
    const { store } = this.context;
    if (options.dryRun) return dryEntry(target, next);
    if (!isFinished(next)) return store.put(keyOf(target), current, next);
    const removed = store.remove(current, next);
    if (removed !== undefined) this.context.strategyOf(target.resource)?.removed?.(next);
    return removed;
  }

  #store(target: Target, current: Entry | undefined, object: ApiObject, options: WriteOptions): Entry {
    if (options.dryRun) return dryEntry(target, object);
    const entry = this.context.store.put(keyOf(target), current, object);
    if (entry === undefined) throw alreadyExists(target.resource, target.name);
    return entry;
  }

  #newMetadata(
    resource: Resource,
    object: ApiObject,
    namespace: string,
    name: string,
  ): ApiObject['metadata'] {
    const {
      selfLink: _link,
      deletionTimestamp: _at,
      deletionGracePeriodSeconds: _grace,
      managedFields: _managed,
      ...rest
    } = object.metadata;
    const generation = hasGeneration(resource) ? { generation: 1 } : {};
    const place = resource.namespaced ? { namespace } : {};
    if (!resource.namespaced) delete rest.namespace;
    return {
      ...rest,
      name,
      ...place,
      uid: randomUUID(),
      creationTimestamp: stamp(this.context.clock.now()),
      ...generation,
    };
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

  #track(
    resource: Resource,
    next: ApiObject,
    current: ApiObject | undefined,
    writer: Writer,
    time: string,
  ): void {
    const hasStatus = resource.statusSubresource;
    const part = (object: ApiObject) => ownedPart(object, writer.subresource, hasStatus);
    const before = current === undefined ? {} : part(current);
    const difference = compare(resource.schema, before, part(next));
    const entries = afterUpdate(managedOf(next), writer, difference, time);
    const json = managedJson(entries);
    if (json.length > 0) next.metadata.managedFields = json;
  }

  #admissionRequest(
    operation: AdmissionRequest['operation'],
    target: Target,
    object: ApiObject,
    oldObject: ApiObject | undefined,
    subresource: Subresource,
    options: WriteOptions,
  ): AdmissionRequest {
    const { resource, namespace, name } = target;
    const { group, version, kind, plural } = resource;
    return {
      operation,
      group,
      version,
      kind,
      plural,
      namespace,
      name,
      subresource,
      object,
      oldObject,
      dryRun: options.dryRun,
    };
  }
}

/** The name that an object is created under. */
function nameOf(object: ApiObject): string {
  const { name, generateName } = object.metadata as { name?: Json; generateName?: Json };
  if (typeof name === 'string' && name !== '') return name;
  if (typeof generateName === 'string' && generateName !== '') return generatedName(generateName);
  throw badRequest('resource name may not be empty: name or generateName is required');
}

/** Fields of metadata that only the server sets. */
const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'namespace',
];

/** What an update leads to: the caller's part from `wanted`, the rest from `current`. */
function combine(
  resource: Resource,
  current: ApiObject,
  wanted: ApiObject,
  subresource: Subresource,
): ApiObject {
  // Status writes of custom resources leave metadata alone; those of built-in kinds may set annotations, as Multus does.
  const metadata: ApiObject['metadata'] =
    subresource === 'status' && resource.custom
      ? clone(current.metadata)
      : { ...wanted.metadata, name: current.metadata.name };
  for (const field of serverOwned) {
    const value = current.metadata[field];
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
  metadata.resourceVersion = current.metadata.resourceVersion as string;
  const managed = wanted.metadata.managedFields ?? current.metadata.managedFields;
  if (managed !== undefined) metadata.managedFields = managed;
  delete metadata.selfLink;
  if (!resource.statusSubresource) return { ...wanted, metadata };
  const [content, status] =
    subresource === 'status' ? [clone(current), wanted.status] : [wanted, current.status];
  const { status: _status, ...rest } = content;
  const next = { ...rest, metadata } as ApiObject;
  if (status !== undefined) next.status = clone(status);
  return next;
}

function refuseStale(target: Target, current: ApiObject, wanted: ApiObject): void {
  const { resourceVersion, uid } = wanted.metadata;
  if (typeof uid === 'string' && uid !== '' && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stringAt(current, 'metadata', 'uid') ?? ''}`;
    throw conflict(target.resource, target.name, why);
  }
  if (wanted.metadata.name !== undefined && wanted.metadata.name !== target.name) {
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (resourceVersion && resourceVersion !== current.metadata.resourceVersion)
    throw modified(target.resource, target.name);
}

function hasGeneration(resource: Resource): boolean {
  return resource.custom || resource.schema.properties?.spec !== undefined;
}

function contentChanged(resource: Resource, next: ApiObject, current: ApiObject): boolean {
  const fields = new Set([...Object.keys(next), ...Object.keys(current)]);
  fields.delete('metadata');
  if (resource.statusSubresource) fields.delete('status');
  return [...fields].some((field) => !equal(next[field], current[field]));
}

/** Whether an object that is being deleted has nothing left to wait for. */
export function isFinished(object: ApiObject): boolean {
  if (object.metadata.deletionTimestamp === undefined) return false;
  if (listAt(object, 'metadata', 'finalizers').length > 0) return false;
  if (object.kind === 'Namespace' && listAt(object, 'spec', 'finalizers').length > 0) return false;
  return (valueAt(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0) === 0;
}

/** The answer of a dry run: as if stored, under the revision that is already there. */
function dryEntry(target: Target, object: ApiObject): Entry {
  return { key: keyOf(target), revision: 0, object, bytes: Buffer.from(JSON.stringify(object)) };
}
