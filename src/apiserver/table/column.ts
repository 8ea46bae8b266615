// A column of `kubectl get`, and those of custom resources.

import { type ApiObject, type Json, stringAt } from '../json.ts';
import type { PrinterColumn, Resource } from '../resource.ts';
import { ageOf } from './duration.ts';
import { jsonPath } from './json-path.ts';

/** A column. Only `-o wide` shows a column of priority 1. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  /** The cell of an object; ages are relative to `nowMs`. */
  readonly cell: (object: ApiObject, nowMs: number) => Json;
}

export function column(
  name: string,
  cell: Column['cell'],
  more: { readonly type?: string; readonly wide?: boolean } = {},
): Column {
  const format = name === 'Name' ? 'name' : '';
  return {
    name,
    type: more.type ?? 'string',
    format,
    description: name,
    priority: more.wide === true ? 1 : 0,
    cell,
  };
}

export const nameColumn = column('Name', (object) => object.metadata.name);
export const ageColumn = column('Age', (object, nowMs) => ageOf(object.metadata.creationTimestamp, nowMs));

/** Columns of a kind without columns in code: the printer columns of its definition, or else its age. */
export function customColumns(resource: Resource): Column[] {
  const declared = resource.columns ?? [];
  return declared.length === 0 ? [nameColumn, ageColumn] : [nameColumn, ...declared.map(printerColumn)];
}

function printerColumn(declared: PrinterColumn): Column {
  const find = jsonPath(declared.jsonPath);
  return {
    name: declared.name,
    type: declared.type,
    format: declared.format ?? '',
    description:
      declared.description ?? `Custom resource definition column (in JSONPath format): ${declared.jsonPath}`,
    priority: declared.priority ?? 0,
    cell: (object, nowMs) => printed(find(object), declared.type, nowMs),
  };
}

function printed(found: readonly Json[], type: string, nowMs: number): Json {
  const [first] = found;
  if (first === undefined || first === null) return null;
  if (type === 'date') return ageOf(first, nowMs);
  if (type === 'string') return found.length > 1 ? found.map(textOf).join(',') : textOf(first);
  return typeof first === 'object' ? textOf(first) : first;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A text field of the object, or `otherwise`. */
export function field(otherwise: string, ...path: string[]): Column['cell'] {
  return (object) => stringAt(object, ...path) || otherwise;
}
