// The checks that every write passes: fields, defaults, admission, schema.

import { errorText, isOrbError } from '#base';
import { type ApiObject, isObject, type Json, type JsonObject } from '../json.ts';
import { apiVersion, type Resource } from '../resource.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { prune } from '../schema/prune.ts';
import { validate } from '../schema/validate.ts';
import { badRequest, forbidden, invalid, StatusError } from '../status.ts';
import { metadataCauses } from './names.ts';
import type { AdmissionRequest, ObjectContext, WriteOptions } from './ports.ts';

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
    options.warnings.push(...texts);
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

function dropNulls(value: JsonObject): void {
  for (const [field, content] of Object.entries(value)) {
    if (content === null) delete value[field];
    else if (Array.isArray(content))
      for (const item of content)
        if (isObject(item)) dropNulls(item);
        else if (isObject(content)) dropNulls(content);
  }
}

/** Admission, then the schema, then what the kind itself asks for; the object to store. */
export async function admit(
  context: ObjectContext,
  resource: Resource,
  request: AdmissionRequest,
): Promise<ApiObject> {
  const { admission } = context;
  const denied = (error: unknown) => denial(resource, request, error);
  let object = request.object;
  if (admission.mutate !== undefined) {
    try {
      object = await admission.mutate(request);
    } catch (error) {
      throw denied(error);
    }
  }
  const causes = [
    ...metadataCauses(object),
    ...validate(resource.schema, object, request.oldObject, context.rules),
    ...(context.strategyOf(resource)?.validate?.(object, request.oldObject) ?? []),
  ];
  if (causes.length > 0)
    throw invalid({ group: resource.group, kind: resource.kind, name: request.name }, causes);
  try {
    await admission.validate?.({ ...request, object });
  } catch (error) {
    throw denied(error);
  }
  return object;
}

/** A refusal by admission, worded as one by a webhook. */
export function denial(resource: Resource, request: AdmissionRequest, error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (!isOrbError(error)) throw error;
  return forbidden(
    resource,
    request.name,
    `admission webhook "orbweaver" denied the request: ${errorText(error)}`,
  );
}
