// Tables: lists and events as the rows that kubectl prints (meta.k8s.io/v1 Table).

import type { ApiObject, Json, JsonObject } from '../json.ts';
import { type Resource, storageName } from '../resource.ts';
import { builtInColumns } from './built-in-columns.ts';
import { type Column, customColumns } from './column.ts';

/** The part of each object that its row contains. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export function columnsOf(resource: Resource): readonly Column[] {
  return (resource.custom ? undefined : builtInColumns[storageName(resource)]) ?? customColumns(resource);
}

/** A table of `objects`. With `withHeader` false it has no columns, as in all events of a watch but the first. */
export function tableOf(
  resource: Resource,
  objects: readonly ApiObject[],
  metadata: JsonObject,
  options: { readonly nowMs: number; readonly include: IncludeObject; readonly withHeader: boolean },
): JsonObject {
  const columns = columnsOf(resource);
  const definitions = columns.map(({ name, type, format, description, priority }): Json => {
    return { name, type, format, description, priority };
  });
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.withHeader ? definitions : [],
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.nowMs)),
      object: included(object, options.include),
    })),
  };
}

function included(object: ApiObject, include: IncludeObject): Json {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
