// metadata.managedFields: who is responsible for which fields (Kubernetes: "Server-Side Apply").

import { type ApiObject, equal, isObject, type Json, type JsonObject, listAt, stringAt } from '../json.ts';
import type { Difference } from './compare.ts';
import { FieldSet } from './field-set.ts';

/** Who writes, and by which way. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

/** One entry: a writer, its fields, and when they last changed. */
export interface Managed {
  readonly writer: Writer;
  readonly fields: FieldSet;
  readonly time: string;
}

/** Fields that nobody owns: they are the server's. */
const serverFields = new Set([
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
]);

/** What of an object is owned by somebody when it is written by way of `subresource`. */
export function ownedPart(object: JsonObject, subresource: string, hasStatus: boolean): JsonObject {
  const part: JsonObject = {};
  for (const [field, content] of Object.entries(object)) {
    if (field === 'apiVersion' || field === 'kind') continue;
    if (field === 'metadata' && isObject(content)) {
      const meta = Object.entries(content).filter(([name]) => !serverFields.has(name));
      if (subresource === '' && meta.length > 0) part.metadata = Object.fromEntries(meta);
    } else if (!hasStatus || (field === 'status') === (subresource === 'status')) part[field] = content;
  }
  return part;
}

/** The entries of an object. */
export function managedOf(object: JsonObject): Managed[] {
  return listAt(object, 'metadata', 'managedFields').map((entry) => ({
    writer: {
      manager: stringAt(entry, 'manager') ?? '',
      operation: stringAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
      apiVersion: stringAt(entry, 'apiVersion') ?? '',
      subresource: stringAt(entry, 'subresource') ?? '',
    },
    fields: FieldSet.fromJson(isObject(entry) ? entry.fieldsV1 : undefined),
    time: stringAt(entry, 'time') ?? '',
  }));
}

/** Entries as they stand in metadata; empty ones are left out. */
export function managedJson(entries: readonly Managed[]): Json[] {
  const shown = entries.filter((entry) => !entry.fields.isEmpty);
  return shown.map(({ writer, fields, time }) => ({
    manager: writer.manager,
    operation: writer.operation,
    apiVersion: writer.apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fields.toJson(),
    ...(writer.subresource === '' ? {} : { subresource: writer.subresource }),
  }));
}

export function sameWriter(a: Writer, b: Writer): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource
  );
}

/** The entries after `writer` made `difference` by an update: what it changed is now its own, what went is nobody's. */
export function afterUpdate(
  entries: readonly Managed[],
  writer: Writer,
  difference: Difference,
  time: string,
): Managed[] {
  const { changed, removed } = difference;
  if (changed.isEmpty && removed.isEmpty) return [...entries];
  const own = new FieldSet();
  const result: Managed[] = [];
  for (const entry of entries) {
    if (sameWriter(entry.writer, writer)) own.addAll(entry.fields.without(removed));
    else result.push(shrunk(entry, entry.fields.without(changed).without(removed)));
  }
  own.addAll(changed);
  return [...result, { writer, fields: own, time }];
}

/** The entry with fewer fields; itself when none were lost, so that its time stands. */
export function shrunk(entry: Managed, fields: FieldSet): Managed {
  return equal(fields.toJson(), entry.fields.toJson()) ? entry : { ...entry, fields };
}

/** Whether two versions differ in nothing but the times of their entries: then the older one stands (upstream does so too). */
export function sameBesidesTimes(a: ApiObject, b: ApiObject): boolean {
  return equal(withoutTimes(a), withoutTimes(b));
}

function withoutTimes(object: ApiObject): JsonObject {
  const entries = listAt(object, 'metadata', 'managedFields').filter(isObject);
  const managedFields = entries.map(({ time: _time, ...rest }) => rest);
  return { ...object, metadata: { ...object.metadata, managedFields } };
}
