// Brings every write into the expected form: known fields, defaults, no nulls.

import { type ApiObject, isObject, type Json, type JsonObject } from '../json.ts';
import type { ObjectContext, WriteOptions } from '../ports.ts';
import { apiVersion, type Resource } from '../resource.ts';
import { applyDefaults, prune } from '../schema/index.ts';
import { badRequest } from '../status.ts';

/** Reads a request's body as an object of `resource`; throws 400 when the body names another kind. */
export function asObject(resource: Resource, body: Json): ApiObject {
  if (!isObject(body)) throw badRequest('the body of the request must be an object');
  const wanted = apiVersion(resource);
  const [version, kind] = [body.apiVersion ?? wanted, body.kind ?? resource.kind];
  if (version !== wanted || kind !== resource.kind) {
    throw badRequest(
      `the object is ${JSON.stringify(version)}, Kind=${JSON.stringify(kind)}: this path takes ${wanted}, Kind=${resource.kind}`,
    );
  }
  const metadata = isObject(body.metadata) ? body.metadata : {};
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = body;
  return { apiVersion: wanted, kind: resource.kind, metadata: metadata as ApiObject['metadata'], ...rest };
}

/** Removes unknown fields. They are a 400 with Strict, and a warning with Warn. */
export function dropUnknown(
  context: ObjectContext,
  resource: Resource,
  object: ApiObject,
  options: WriteOptions,
): void {
  const unknown = prune(resource.schema, object, context.metaSchema);
  if (unknown.length === 0 || options.fieldValidation === 'Ignore') return;
  const texts = unknown.map((field) => `unknown field "${field}"`);
  if (options.fieldValidation === 'Warn') {
    // Push one by one: the number of arguments of a call is limited.
    for (const text of texts) options.warnings.push(text);
    return;
  }
  const kind = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}`;
  throw badRequest(`${kind}: strict decoding error: ${texts.join(', ')}`);
}

/**
 * Fills the defaults of custom resources. Schemas of built-in kinds have defaults for list keys only.
 * Code fills the other defaults of built-in kinds.
 */
export function fillDefaults(resource: Resource, object: ApiObject): void {
  applyDefaults(resource.schema, object);
  // In a built-in kind, null means an absent field, as for a Go struct.
  if (!resource.custom) dropNulls(object);
}

/** Removes null fields at any depth. */
export function dropNulls(value: JsonObject): void {
  for (const [field, content] of Object.entries(value)) {
    if (content === null) delete value[field];
    else if (isObject(content)) dropNulls(content);
    else if (Array.isArray(content)) for (const item of content) if (isObject(item)) dropNulls(item);
  }
}
