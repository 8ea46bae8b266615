// The result of an update: the fields that the caller may write come from the request, the rest from the current object.

import { type ApiObject, clone, equal, stringAt } from '../json.ts';
import type { Resource } from '../resource.ts';
import { badRequest, conflict, modified } from '../status.ts';
import type { Subresource, Target } from './target.ts';

/** Fields of metadata that only the server sets. */
const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'namespace',
];

/** The result of an update: the fields that the caller may write come from `wanted`, the rest from `current`. */
export function combine(
  resource: Resource,
  current: ApiObject,
  wanted: ApiObject,
  subresource: Subresource,
): ApiObject {
  // A status write of a custom resource does not change metadata. One of a built-in kind may set annotations, as Multus does.
  const metadata: ApiObject['metadata'] =
    subresource === 'status' && resource.custom
      ? clone(current.metadata)
      : { ...wanted.metadata, name: current.metadata.name };
  for (const field of serverOwned) {
    const value = current.metadata[field];
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
  metadata.resourceVersion = current.metadata.resourceVersion as string;
  const managed = wanted.metadata.managedFields ?? current.metadata.managedFields;
  if (managed !== undefined) metadata.managedFields = managed;
  delete metadata.selfLink;
  if (!resource.statusSubresource) return { ...wanted, metadata };
  const [content, status] =
    subresource === 'status' ? [clone(current), wanted.status] : [wanted, current.status];
  const { status: _status, ...rest } = content;
  const next = { ...rest, metadata } as ApiObject;
  if (status !== undefined) next.status = clone(status);
  return next;
}

/** Throws 409 when `wanted` is based on another version than the current one. */
export function refuseStale(target: Target, current: ApiObject, wanted: ApiObject): void {
  const { resourceVersion, uid } = wanted.metadata;
  if (typeof uid === 'string' && uid !== '' && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stringAt(current, 'metadata', 'uid') ?? ''}`;
    throw conflict(target.resource, target.name, why);
  }
  if (wanted.metadata.name !== undefined && wanted.metadata.name !== target.name) {
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (resourceVersion && resourceVersion !== current.metadata.resourceVersion)
    throw modified(target.resource, target.name);
}

/** Whether more than metadata and status differs. If so, the generation increases. */
export function contentChanged(resource: Resource, next: ApiObject, current: ApiObject): boolean {
  const fields = new Set([...Object.keys(next), ...Object.keys(current)]);
  fields.delete('metadata');
  if (resource.statusSubresource) fields.delete('status');
  return [...fields].some((field) => !equal(next[field], current[field]));
}
