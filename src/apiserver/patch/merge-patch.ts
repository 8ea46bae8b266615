// JSON merge patch (RFC 7386).

import { isObject, type Json, type JsonObject } from '../json.ts';

/** A new value: `target` with `patch` merged in; null removes a field. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [field, content] of Object.entries(patch)) {
    if (content === null) delete merged[field];
    else merged[field] = mergePatch(merged[field], content);
  }
  return merged;
}
