// The URL paths of a kind, and the names of its objects in messages.

import type { KubeObject, ResourceType } from '#api';
import { OrbError } from '#base';
import type { ObjectRef, Selection } from './client.ts';

/** `/apis/apps/v1/namespaces/ns/deployments`. Without a namespace, the path for all namespaces. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope =
    type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${type.plural}`;
}

/** The path of one object. */
export function objectPath(type: ResourceType, ref: ObjectRef, subresource?: 'status' | 'token'): string {
  if (ref.name === '' || (type.namespaced && (ref.namespace ?? '') === '')) {
    const message = `${nameOf(type, ref)} needs a name${type.namespaced ? ' and a namespace' : ''}`;
    throw new OrbError('INTERNAL', { message });
  }
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `Pod default/web-0`. */
export function nameOf(type: ResourceType, ref: ObjectRef): string {
  return `${type.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** The reference of an object, from its own metadata. */
export function refOf(object: KubeObject): ObjectRef {
  const { name = '', namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

/** The query parameters of a selection. */
export function selectionQuery(selection: Selection): URLSearchParams {
  const query = new URLSearchParams();
  if (selection.labelSelector !== undefined) query.set('labelSelector', selection.labelSelector);
  if (selection.fieldSelector !== undefined) query.set('fieldSelector', selection.fieldSelector);
  return query;
}
