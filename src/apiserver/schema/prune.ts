// Unknown fields: finds and drops what a schema does not name (structural pruning).

import { isObject, type Json } from '../json.ts';
import { anyValue, fieldSchema, keepsUnknown, type Schema } from './schema.ts';

/** Drops unknown fields of `value` in place; returns the path of each, as `spec.a[0].b`. */
export function prune(schema: Schema, value: Json, embeddedMeta: Schema): string[] {
  const unknown: string[] = [];
  walk(schema, value, '', { unknown, embeddedMeta });
  return unknown;
}

interface Walk {
  readonly unknown: string[];
  readonly embeddedMeta: Schema;
}

function walk(schema: Schema, value: Json, path: string, context: Walk): void {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items === undefined) return;
    value.forEach((item, index) => {
      walk(items, item, `${path}[${index}]`, context);
    });
    return;
  }
  if (!isObject(value) || schema['x-kubernetes-int-or-string'] === true) return;
  for (const field of Object.keys(value)) {
    const at = path === '' ? field : `${path}.${field}`;
    const child = embeddedField(schema, field, context) ?? fieldSchema(schema, field);
    if (child !== undefined) walk(child, value[field] as Json, at, context);
    else if (!keepsUnknown(schema)) {
      context.unknown.push(at);
      delete value[field];
    }
  }
}

/** Embedded resources always have apiVersion, kind and metadata, even if the schema does not name them. */
function embeddedField(schema: Schema, field: string, context: Walk): Schema | undefined {
  if (schema['x-kubernetes-embedded-resource'] !== true) return undefined;
  if (field === 'metadata') return context.embeddedMeta;
  return field === 'apiVersion' || field === 'kind' ? anyValue : undefined;
}
