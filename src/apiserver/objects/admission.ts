// Judges every write: admission, the schema, and the rules of the kind.

import { errorText, isOrbError } from '#base';
import type { ApiObject } from '../json.ts';
import { validateMetadata } from '../names.ts';
import type { AdmissionRequest, ObjectContext, WriteOptions } from '../ports.ts';
import type { Resource } from '../resource.ts';
import { prune, validate } from '../schema/index.ts';
import { forbidden, invalid, StatusError } from '../status.ts';
import { fillDefaults } from './checks.ts';
import type { Subresource, Target } from './target.ts';

/** A write as admission sees it. */
export function admissionRequest(
  operation: AdmissionRequest['operation'],
  target: Target,
  object: ApiObject,
  oldObject: ApiObject | undefined,
  subresource: Subresource,
  options: Pick<WriteOptions, 'dryRun' | 'user' | 'warnings'>,
): AdmissionRequest {
  const { group, version, kind, plural } = target.resource;
  const { namespace, name } = target;
  const about = { group, version, kind, plural, namespace, name, subresource };
  const { dryRun, user, warnings } = options;
  return { operation, ...about, object, oldObject, user, dryRun, warnings };
}

/** Runs admission, then the schema, then the kind's own checks. Returns the object to store. */
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
    if (object !== request.object) {
      prune(resource.schema, object, context.metaSchema);
      fillDefaults(resource, object);
    }
  }
  const causes = [
    ...validateMetadata(object),
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

/** A refusal by admission, in the same words as a refusal by a webhook. */
export function denial(resource: Resource, request: AdmissionRequest, error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (!isOrbError(error)) throw error;
  return forbidden(
    resource,
    request.name,
    `admission webhook "orbweaver" denied the request: ${errorText(error)}`,
  );
}
