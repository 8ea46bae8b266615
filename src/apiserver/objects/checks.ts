// The form that every write is brought into: known fields, defaults, no nulls.

import { type ApiObject, isObject, type Json, type JsonObject } from '../json.ts';
import { apiVersion, type Resource } from '../resource.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { prune } from '../schema/prune.ts';
import { badRequest } from '../status.ts';
import type { ObjectContext, WriteOptions } from './ports.ts';

/** Takes a request's body for an object of `resource`; 400 when it says that it is something else. */
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

/** Drops unknown fields: with Strict they are a 400, with Warn a warning. */
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
    // One by one: a call takes only so many arguments.
    for (const text of texts) options.warnings.push(text);
    return;
  }
  const kind = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}`;
  throw badRequest(`${kind}: strict decoding error: ${texts.join(', ')}`);
}

/** Fills the defaults of custom resources: schemas of built-in kinds say theirs for list keys only, code does the rest. */
export function fillDefaults(resource: Resource, object: ApiObject): void {
  applyDefaults(resource.schema, object);
  // A null in a built-in kind is an absent field, as it is for a Go struct.
  if (!resource.custom) dropNulls(object);
}

/** Takes fields away that are null, at any depth. */
export function dropNulls(value: JsonObject): void {
  for (const [field, content] of Object.entries(value)) {
    if (content === null) delete value[field];
    else if (isObject(content)) dropNulls(content);
    else if (Array.isArray(content)) for (const item of content) if (isObject(item)) dropNulls(item);
  }
}
