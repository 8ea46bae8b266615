// Strategic merge patch: a merge patch that merges lists of objects by key, with $patch directives
// (Kubernetes: "Update API Objects in Place Using kubectl patch"; design doc strategic-merge-patch).

import { canonicalText, equal, isObject, type Json, type JsonObject } from '../json.ts';
import { fieldSchema, type Schema } from '../schema/index.ts';
import { badRequest } from '../status.ts';

/** A new object: `target` with `patch` merged in by the strategies of `schema`. */
export function strategicMerge(
  target: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return {};
  const merged: JsonObject = retained(target, patch.$retainKeys);
  for (const [field, content] of Object.entries(patch)) {
    if (field.startsWith('$')) {
      applyListDirective(merged, field, content);
      continue;
    }
    const child = schema === undefined ? undefined : fieldSchema(schema, field);
    if (content === null) delete merged[field];
    else merged[field] = mergeValue(merged[field], content, child, patch[`$setElementOrder/${field}`]);
  }
  for (const [directive, order] of Object.entries(patch)) {
    const field = directive.startsWith('$setElementOrder/')
      ? directive.slice('$setElementOrder/'.length)
      : undefined;
    if (field === undefined || field in patch || !Array.isArray(merged[field]) || schema === undefined)
      continue;
    merged[field] = ordered(merged[field], order, mergeKey(fieldSchema(schema, field)));
  }
  return merged;
}

function mergeValue(
  target: Json | undefined,
  patch: Json,
  schema: Schema | undefined,
  order: Json | undefined,
): Json {
  if (isObject(patch)) return strategicMerge(isObject(target) ? target : {}, patch, schema);
  if (!Array.isArray(patch)) return patch;
  if (schema?.['x-kubernetes-patch-strategy'] !== 'merge') return patch.map(cleaned);
  const key = mergeKey(schema);
  const existing = Array.isArray(target) ? target : [];
  const merged = key === undefined ? union(existing, patch) : mergeByKey(existing, patch, key, schema.items);
  return order === undefined ? merged : ordered(merged, order, key);
}

function mergeKey(schema: Schema | undefined): string | undefined {
  return schema?.['x-kubernetes-patch-merge-key'];
}

function union(target: readonly Json[], patch: readonly Json[]): Json[] {
  return [...target, ...patch.filter((item) => !target.some((known) => equal(known, item)))];
}

function mergeByKey(
  target: readonly Json[],
  patch: readonly Json[],
  key: string,
  items: Schema | undefined,
): Json[] {
  const replace = patch.some((item) => isObject(item) && item.$patch === 'replace' && !(key in item));
  const merged: Json[] = replace ? [] : [...target];
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`items of a list merged by "${key}" must be objects`);
    if (!(key in item)) {
      if (item.$patch === 'replace') continue;
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const index = merged.findIndex((known) => isObject(known) && equal(known[key], item[key]));
    const known = merged[index];
    if (item.$patch === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (isObject(known)) merged[index] = strategicMerge(known, item, items);
    else merged.push(strategicMerge({}, item, items));
  }
  return merged;
}

/** Sorts items by $setElementOrder. An item that it does not name stays behind the item that was before it. */
function ordered(list: readonly Json[], order: Json | undefined, key: string | undefined): Json[] {
  if (!Array.isArray(order)) throw badRequest('$setElementOrder must be a list');
  const identity = (item: Json) =>
    canonicalText(key !== undefined && isObject(item) ? (item[key] ?? null) : item);
  const wanted = order.map(identity);
  const result = list.filter((item) => wanted.includes(identity(item)));
  result.sort((a, b) => wanted.indexOf(identity(a)) - wanted.indexOf(identity(b)));
  list.forEach((item, index) => {
    if (wanted.includes(identity(item))) return;
    const neighbour = list[index - 1];
    result.splice(neighbour === undefined ? 0 : result.indexOf(neighbour) + 1, 0, item);
  });
  return result;
}

function retained(target: JsonObject, keys: Json | undefined): JsonObject {
  if (keys === undefined) return { ...target };
  if (!Array.isArray(keys)) throw badRequest('$retainKeys must be a list');
  return Object.fromEntries(Object.entries(target).filter(([field]) => keys.includes(field)));
}

function applyListDirective(merged: JsonObject, directive: string, content: Json): void {
  const prefix = '$deleteFromPrimitiveList/';
  if (!directive.startsWith(prefix)) return;
  const field = directive.slice(prefix.length);
  const list = merged[field];
  if (!Array.isArray(list) || !Array.isArray(content)) return;
  merged[field] = list.filter((item) => !content.some((gone) => equal(gone, item)));
}

function withoutDirectives(patch: JsonObject): JsonObject {
  const kept = Object.entries(patch).filter(([field, content]) => !field.startsWith('$') && content !== null);
  return Object.fromEntries(kept.map(([field, content]) => [field, cleaned(content)]));
}

function cleaned(value: Json): Json {
  if (Array.isArray(value)) return value.map(cleaned);
  return isObject(value) ? withoutDirectives(value) : value;
}
