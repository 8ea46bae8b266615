// Which field paths differ between two versions of an object.

import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import type { Schema } from '../schema/index.ts';
import { FieldSet, fieldSetOf, ownership, schemaOf } from './field-set.ts';

/** The paths with a new value, and the paths that were removed. */
export interface Difference {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

export function compare(schema: Schema, before: Json | undefined, after: Json | undefined): Difference {
  const difference = { changed: new FieldSet(), removed: new FieldSet() };
  walk(schema, before, after, difference.changed, difference.removed);
  return difference;
}

function walk(
  schema: Schema,
  before: Json | undefined,
  after: Json | undefined,
  changed: FieldSet,
  removed: FieldSet,
): void {
  if (equal(before, after)) return;
  if (before === undefined || after === undefined) {
    if (after !== undefined) changed.addAll(fieldSetOf(schema, after));
    if (before !== undefined) removed.addAll(fieldSetOf(schema, before));
    return;
  }
  const owned = ownership(schema, after);
  const was = ownership(schema, before);
  if (owned.by !== was.by || owned.by === 'whole') {
    changed.addAll(fieldSetOf(schema, after));
    removed.addAll(fieldSetOf(schema, before).without(fieldSetOf(schema, after)));
    return;
  }
  if (owned.by === 'fields') fields(schema, before as JsonObject, after as JsonObject, changed, removed);
  else items(owned, before as Json[], after as Json[], changed, removed);
}

function fields(
  schema: Schema,
  before: JsonObject,
  after: JsonObject,
  changed: FieldSet,
  removed: FieldSet,
): void {
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    descend(`f:${field}`, changed, removed, (deeperChanged, deeperRemoved) => {
      walk(schemaOf(schema, field), before[field], after[field], deeperChanged, deeperRemoved);
    });
  }
  if (Object.keys(after).length === 0) changed.member = true;
  if (Object.keys(before).length === 0) removed.member = true;
}

function items(
  owned: { readonly items: Schema; readonly stepOf: (item: Json) => string },
  before: readonly Json[],
  after: readonly Json[],
  changed: FieldSet,
  removed: FieldSet,
): void {
  const old = new Map(before.map((item) => [owned.stepOf(item), item]));
  const current = new Map(after.map((item) => [owned.stepOf(item), item]));
  for (const step of new Set([...old.keys(), ...current.keys()])) {
    descend(step, changed, removed, (deeperChanged, deeperRemoved) => {
      const [was, is] = [old.get(step), current.get(step)];
      if (was === undefined) deeperChanged.member = true;
      if (is === undefined) deeperRemoved.member = true;
      if (isObject(was ?? is ?? null)) walk(owned.items, was, is, deeperChanged, deeperRemoved);
    });
  }
}

/** Walks one step down, and keeps the sets below only if they are not empty. */
function descend(
  step: string,
  changed: FieldSet,
  removed: FieldSet,
  body: (changed: FieldSet, removed: FieldSet) => void,
): void {
  const below = [new FieldSet(), new FieldSet()] as const;
  body(...below);
  if (!below[0].isEmpty) changed.child(step).addAll(below[0]);
  if (!below[1].isEmpty) removed.child(step).addAll(below[1]);
}
