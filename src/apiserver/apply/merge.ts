// The two ways in which server-side apply changes an object: it merges a configuration, and it removes paths.

import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Schema } from '../schema/index.ts';
import { type FieldSet, ownership, schemaOf } from './field-set.ts';

/** A new value: `live` with the fields and items of `applied` set. */
export function mergeApplied(schema: Schema, live: Json | undefined, applied: Json): Json {
  const owned = ownership(schema, applied);
  if (owned.by === 'fields' && isObject(live)) {
    const merged: JsonObject = { ...live };
    for (const [field, content] of Object.entries(applied as JsonObject)) {
      merged[field] = mergeApplied(schemaOf(schema, field), live[field], content);
    }
    return merged;
  }
  if (owned.by === 'items' && Array.isArray(live)) {
    const merged = new Map(live.map((item) => [owned.stepOf(item), item]));
    for (const item of applied as Json[]) {
      const step = owned.stepOf(item);
      merged.set(step, mergeApplied(owned.items, merged.get(step), item));
    }
    return [...merged.values()];
  }
  return applied;
}

/**
 * A new value without the paths in `gone`. A path stays when `kept` has it, or has something below it.
 * Undefined when the whole value is removed.
 */
export function dropPaths(
  schema: Schema,
  value: Json,
  gone: FieldSet,
  kept: FieldSet | undefined,
): Json | undefined {
  if (gone.member && (kept === undefined || kept.isEmpty)) return undefined;
  const owned = ownership(schema, value);
  if (owned.by === 'fields') {
    const result: JsonObject = {};
    let dropped = false;
    for (const [field, content] of Object.entries(value as JsonObject)) {
      const below = gone.children.get(`f:${field}`);
      const left =
        below === undefined
          ? content
          : dropPaths(schemaOf(schema, field), content, below, kept?.children.get(`f:${field}`));
      if (left === undefined) dropped = true;
      else result[field] = left;
    }
    // A parent is removed with its last field.
    return dropped && Object.keys(result).length === 0 ? undefined : result;
  }
  if (owned.by !== 'items') return value;
  const items = (value as Json[]).flatMap((item) => {
    const step = owned.stepOf(item);
    const below = gone.children.get(step);
    const left = below === undefined ? item : dropPaths(owned.items, item, below, kept?.children.get(step));
    return left === undefined ? [] : [left];
  });
  return items.length === 0 && (value as Json[]).length > 0 ? undefined : items;
}
