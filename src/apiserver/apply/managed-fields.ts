// metadata.managedFields: who is responsible for which fields (Kubernetes: "Server-Side Apply").

import { type ApiObject, equal, isObject, type Json, type JsonObject, listAt, stringAt } from '../json.ts';
import type { Difference } from './compare.ts';
import { FieldSet } from './field-set.ts';

/** The writer, and the kind of its write. */
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

/** Fields that nobody owns, because the server sets them. */
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

/** The part of an object that a write to `subresource` can own. */
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

/** The entries in the form of metadata, without empty ones. */
export function managedJson(entries: readonly Managed[]): Json[] {
  const shown = entries.filter((entry) => !entry.fields.isEmpty);
  return shown.map(({ writer, fields, time }) => ({
    manager: writer.manager,
    operation: writer.operation,
    apiVersion: writer.apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fields.toJson(),
    ...(writer.subresource !== '' && { subresource: writer.subresource }),
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

/**
 * The entries after an update by `writer` that made `difference`.
 * The writer owns the fields that it changed. Nobody owns the removed ones.
 */
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

/** The entry with fewer fields. When it loses none, it is the same entry, so that its time does not change. */
export function shrunk(entry: Managed, fields: FieldSet): Managed {
  return equal(fields.toJson(), entry.fields.toJson()) ? entry : { ...entry, fields };
}

/** Whether two versions differ only in the times of their entries. Then the older version stays, as upstream. */
export function sameBesidesTimes(a: ApiObject, b: ApiObject): boolean {
  return equal(withoutTimes(a), withoutTimes(b));
}

function withoutTimes(object: ApiObject): JsonObject {
  const entries = listAt(object, 'metadata', 'managedFields').filter(isObject);
  const managedFields = entries.map(({ time: _time, ...rest }) => rest);
  return { ...object, metadata: { ...object.metadata, managedFields } };
}
