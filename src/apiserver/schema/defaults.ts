// Defaults: fills absent fields with the schema's defaults, also inside objects that are present.

import { clone, isObject, type Json } from '../json.ts';
import { fieldSchema, type Schema } from './schema.ts';

/** Fills defaults into `value` in place. A null in a field that is not nullable counts as absent. */
export function applyDefaults(schema: Schema, value: Json): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) applyDefaults(schema.items, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [field, child] of Object.entries(schema.properties ?? {})) {
    const absent = value[field] === undefined || (value[field] === null && child.nullable !== true);
    if (absent && child.default !== undefined) value[field] = clone(child.default);
  }
  for (const [field, content] of Object.entries(value)) {
    const child = fieldSchema(schema, field);
    if (child !== undefined) applyDefaults(child, content);
  }
}
