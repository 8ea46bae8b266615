// Sets of field paths, in the form of managedFields (FieldsV1; sigs.k8s.io/structured-merge-diff "fieldpath").
//
// A step of a path is `f:name` for a field, `k:{"name":"a"}` for an item of a list with keys, `v:"x"` for an item of a set.

import { canonicalText, isObject, type Json, type JsonObject } from '../json.ts';
import { anyValue, fieldSchema, type Schema } from '../schema/index.ts';

/** A set of paths, as a tree. */
export class FieldSet {
  /** Whether the path that ends here belongs to the set. */
  member = false;
  readonly children = new Map<string, FieldSet>();

  get isEmpty(): boolean {
    return !this.member && this.children.size === 0;
  }

  child(step: string): FieldSet {
    let child = this.children.get(step);
    if (child === undefined) {
      child = new FieldSet();
      this.children.set(step, child);
    }
    return child;
  }

  /** Adds every path of `other`. */
  addAll(other: FieldSet): void {
    if (other.member) this.member = true;
    for (const [step, child] of other.children) this.child(step).addAll(child);
  }

  /** The paths of this set that are not in `other`. */
  without(other: FieldSet): FieldSet {
    return this.#filtered(other, (mine, theirs) => mine && !theirs);
  }

  /** The paths of this set that are also in `other`. */
  within(other: FieldSet): FieldSet {
    return this.#filtered(other, (mine, theirs) => mine && theirs);
  }

  #filtered(other: FieldSet | undefined, keep: (mine: boolean, theirs: boolean) => boolean): FieldSet {
    const result = new FieldSet();
    result.member = keep(this.member, other?.member ?? false);
    for (const [step, child] of this.children) {
      const kept = child.#filtered(other?.children.get(step), keep);
      if (!kept.isEmpty) result.children.set(step, kept);
    }
    return result;
  }

  /** Every path, in the form of conflict messages: `.spec.containers[name="a"].image`. */
  paths(prefix = ''): string[] {
    const own = this.member && prefix !== '' ? [prefix] : [];
    return [...own, ...[...this.children].flatMap(([step, child]) => child.paths(prefix + stepText(step)))];
  }

  /** The FieldsV1 form. */
  toJson(): JsonObject {
    const json: JsonObject = {};
    if (this.member && this.children.size > 0) json['.'] = {};
    for (const [step, child] of [...this.children].sort(([a], [b]) => (a < b ? -1 : 1)))
      json[step] = child.toJson();
    return json;
  }

  static fromJson(json: Json | undefined): FieldSet {
    const set = new FieldSet();
    if (!isObject(json)) return set;
    const steps = Object.keys(json);
    set.member = steps.length === 0 || '.' in json;
    for (const step of steps) if (step !== '.') set.children.set(step, FieldSet.fromJson(json[step]));
    return set;
  }
}

function stepText(step: string): string {
  const content = step.slice(2);
  if (step.startsWith('f:')) return `.${content}`;
  if (step.startsWith('v:')) return `[=${content}]`;
  const keys = Object.entries(JSON.parse(content) as JsonObject);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}

/** The unit of ownership of a value: its fields, its items, or the value as a whole. */
export type Ownership =
  | { readonly by: 'fields'; readonly schema: Schema }
  | { readonly by: 'items'; readonly items: Schema; readonly stepOf: (item: Json) => string }
  | { readonly by: 'whole' };

/** The unit of ownership for a node's value. A list is one unit, unless its schema has keys or says that it is a set. */
export function ownership(schema: Schema, value: Json): Ownership {
  if (isObject(value)) {
    return schema['x-kubernetes-map-type'] === 'atomic' ? { by: 'whole' } : { by: 'fields', schema };
  }
  if (!Array.isArray(value)) return { by: 'whole' };
  const items = schema.items ?? anyValue;
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return { by: 'items', items, stepOf: (item) => `v:${JSON.stringify(item)}` };
  if (type !== 'map') return { by: 'whole' };
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return { by: 'items', items, stepOf: (item) => `k:${canonicalText(keysOf(item, keys, items))}` };
}

function keysOf(item: Json, keys: readonly string[], items: Schema): JsonObject {
  const found: JsonObject = {};
  for (const key of keys) {
    const value = isObject(item) ? (item[key] ?? items.properties?.[key]?.default) : undefined;
    if (value !== undefined) found[key] = value;
  }
  return found;
}

/** The schema of a field. In parts that the schema does not know, each field has its own owners. */
export function schemaOf(schema: Schema, field: string): Schema {
  return fieldSchema(schema, field) ?? anyValue;
}

/** The paths of everything that `value` sets. */
export function fieldSetOf(schema: Schema, value: Json): FieldSet {
  const set = new FieldSet();
  const owned = ownership(schema, value);
  if (owned.by === 'fields') {
    const fields = Object.entries(value as JsonObject);
    if (fields.length === 0) set.member = true;
    for (const [field, content] of fields)
      set.children.set(`f:${field}`, fieldSetOf(schemaOf(schema, field), content));
  } else if (owned.by === 'items') {
    const items = value as Json[];
    if (items.length === 0) set.member = true;
    for (const item of items) {
      const child = isObject(item) ? fieldSetOf(owned.items, item) : new FieldSet();
      child.member = true;
      set.children.set(owned.stepOf(item), child);
    }
  } else set.member = true;
  return set;
}
