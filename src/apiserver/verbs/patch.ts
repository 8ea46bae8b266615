// The patch verb: maps a media type to one of the four kinds of patch, and applies the patch.

import { type ApiObject, clone, isObject, type Json, type JsonObject } from '../json.ts';
import { jsonPatch, mergePatch, strategicMerge } from '../patch/index.ts';
import { apiVersion, type Resource } from '../resource.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';

/** Media type of server-side apply. Its body may be YAML. */
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** A function that returns the patched object. The result shares nothing with the argument. */
export function patcher(resource: Resource, type: string, body: Json): (current: ApiObject) => ApiObject {
  return (current) => {
    const patched = patchedBy(resource, type, body, current);
    if (!isObject(patched) || !isObject(patched.metadata))
      throw badRequest('the result of the patch is not an object');
    refuseOtherKind(resource, patched, current);
    return clone(patched) as ApiObject;
  };
}

/** A patch may name the API version of the request or of the stored object. It cannot change the version. */
function refuseOtherKind(resource: Resource, patched: JsonObject, current: ApiObject): void {
  const wanted = apiVersion(resource);
  const isKnown = patched.apiVersion === wanted || patched.apiVersion === current.apiVersion;
  if (isKnown && patched.kind === current.kind) return;
  const said = `${JSON.stringify(patched.apiVersion ?? '')}, Kind=${JSON.stringify(patched.kind ?? '')}`;
  throw badRequest(
    `the patch changes the object to ${said}: apiVersion and kind must stay ${current.apiVersion}, Kind=${current.kind}`,
  );
}

function patchedBy(resource: Resource, type: string, body: Json, current: ApiObject): Json {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(current, body);
    case 'application/merge-patch+json':
      if (!isObject(body)) throw badRequest('a merge patch must be an object');
      return mergePatch(current, body);
    case 'application/strategic-merge-patch+json':
      // Only built-in kinds have merge keys.
      if (resource.custom) break;
      if (!isObject(body)) throw badRequest('a strategic merge patch must be an object');
      return strategicMerge(current, body, resource.schema);
  }
  const types = [
    'json-patch+json',
    'merge-patch+json',
    'apply-patch+yaml',
    ...(resource.custom ? [] : ['strategic-merge-patch+json']),
  ];
  const known = types.map((name) => `application/${name}`).join(', ');
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${known}`,
  );
}
