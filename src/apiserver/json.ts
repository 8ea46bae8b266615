// JSON values in the API server: types, narrowing, comparison and copies.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Metadata of a stored object (Kubernetes API conventions, "Metadata"). */
export type ObjectMetadata = JsonObject & { name: string };

/** An object of the API. `kind`, `apiVersion` and `metadata.name` are known; the other fields depend on the kind. */
export type ApiObject = JsonObject & { apiVersion: string; kind: string; metadata: ObjectMetadata };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of field names; undefined when a field of the path is missing. */
export function valueAt(value: Json | undefined, ...path: string[]): Json | undefined {
  let at = value;
  for (const step of path) {
    if (!isObject(at)) return undefined;
    at = at[step];
  }
  return at;
}

export function stringAt(value: Json | undefined, ...path: string[]): string | undefined {
  const at = valueAt(value, ...path);
  return typeof at === 'string' ? at : undefined;
}

export function numberAt(value: Json | undefined, ...path: string[]): number | undefined {
  const at = valueAt(value, ...path);
  return typeof at === 'number' ? at : undefined;
}

/** The object at a path, or a new empty object that is not attached. */
export function objectAt(value: Json | undefined, ...path: string[]): JsonObject {
  const at = valueAt(value, ...path);
  return isObject(at) ? at : {};
}

/** The list at a path, or a new empty list that is not attached. */
export function listAt(value: Json | undefined, ...path: string[]): Json[] {
  const at = valueAt(value, ...path);
  return Array.isArray(at) ? at : [];
}

/** The strings of the list at a path. */
export function textsAt(value: Json | undefined, ...path: string[]): string[] {
  return listAt(value, ...path).filter((item) => typeof item === 'string');
}

/** The object in `field`. A missing one is made and attached. */
export function ensureObject(parent: JsonObject, field: string): JsonObject {
  const at = parent[field];
  if (isObject(at)) return at;
  const made: JsonObject = {};
  parent[field] = made;
  return made;
}

/** Sets `field` where it is absent. */
export function setDefault(object: JsonObject, field: string, value: Json): void {
  object[field] ??= value;
}

export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/** A copy that shares nothing with `value`. */
export function clone<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => clone(item)) as T;
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, content] of Object.entries(value)) copy[key] = clone(content);
  return copy as T;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] as Json)}`).join(',')}}`;
}
