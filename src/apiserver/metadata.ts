// The metadata of a new object: its name, and the fields that only the server sets.

import { randomUUID } from 'node:crypto';
import type { ApiObject, Json } from './json.ts';
import { generatedName } from './names.ts';
import type { Resource } from './resource.ts';
import { badRequest } from './status.ts';

/** The time in the API's format: RFC 3339 with whole seconds. */
export function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The name of a new object. */
export function nameOf(object: ApiObject): string {
  const { name, generateName } = object.metadata as { name?: Json; generateName?: Json };
  if (typeof name === 'string' && name !== '') return name;
  if (typeof generateName === 'string' && generateName !== '') return generatedName(generateName);
  throw badRequest('resource name may not be empty: name or generateName is required');
}

/** The caller's metadata without the fields that only the server sets, and with a new uid. */
export function newMetadata(
  resource: Resource,
  object: ApiObject,
  namespace: string,
  name: string,
  nowMs: number,
): ApiObject['metadata'] {
  const {
    selfLink: _link,
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    managedFields: _managed,
    ...rest
  } = object.metadata;
  const generation = hasGeneration(resource) ? { generation: 1 } : {};
  const place = resource.namespaced ? { namespace } : {};
  if (!resource.namespaced) delete rest.namespace;
  return {
    ...rest,
    name,
    ...place,
    uid: randomUUID(),
    creationTimestamp: stamp(nowMs),
    ...generation,
  };
}

function hasGeneration(resource: Resource): boolean {
  return resource.custom || resource.schema.properties?.spec !== undefined;
}
