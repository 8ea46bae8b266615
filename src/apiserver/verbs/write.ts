// The writing verbs: create, replace, patch and apply.

import { mediaType, parseBody, readBody } from '../http/index.ts';
import { clone, isObject, type Json, stringAt } from '../json.ts';
import { asObject, type Objects, type Subresource } from '../objects/index.ts';
import type { WriteOptions } from '../ports.ts';
import { badRequest } from '../status.ts';
import { bodyOf, isTrue, type ResourceCall, sendEntry, targetOf, writeOptions } from './call.ts';
import { APPLY_PATCH, patcher } from './patch.ts';

export async function create(objects: Objects, call: ResourceCall): Promise<void> {
  const options = writeOptions(call);
  const { namespace } = call.path;
  const object = asObject(call.resource, await bodyOf(call, options.warnings));
  const given = object.metadata.namespace;
  if (call.resource.namespaced && namespace === '')
    throw badRequest('an empty namespace may not be set during creation');
  if (given !== undefined && given !== '' && given !== namespace && call.resource.namespaced) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  const entry = await objects.create(call.resource, namespace, object, options);
  await sendEntry(objects, call, 201, entry, options);
}

export async function replace(objects: Objects, call: ResourceCall, subresource: Subresource): Promise<void> {
  const options = writeOptions(call);
  const body = await bodyOf(call, options.warnings);
  const change = () => asObject(call.resource, clone(body));
  const entry = await objects.update(targetOf(call), subresource, change, options);
  await sendEntry(objects, call, 200, entry, options);
}

export async function patch(objects: Objects, call: ResourceCall, subresource: Subresource): Promise<void> {
  const options = writeOptions(call);
  const type = mediaType(call.request);
  const text = await readBody(call.request);
  if (type === APPLY_PATCH) return apply(objects, call, subresource, parseBody(text, type), options);
  const change = patcher(call.resource, type, parseBody(text, type));
  const entry = await objects.update(targetOf(call), subresource, change, options);
  await sendEntry(objects, call, 200, entry, options);
}

async function apply(
  objects: Objects,
  call: ResourceCall,
  subresource: Subresource,
  body: Json,
  options: WriteOptions,
): Promise<void> {
  const manager = call.query.get('fieldManager');
  if (!manager)
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  if (
    isObject(body) &&
    (stringAt(body, 'apiVersion') === undefined || stringAt(body, 'kind') === undefined)
  ) {
    throw badRequest('apiVersion and kind must be set in an apply patch');
  }
  const applied = asObject(call.resource, body);
  if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  applied.metadata.name ??= call.path.name;
  if (applied.metadata.name !== call.path.name)
    throw badRequest(
      `the name of the object (${applied.metadata.name}) does not match the name on the URL (${call.path.name})`,
    );
  if (call.resource.namespaced) applied.metadata.namespace ??= call.path.namespace;
  const force = isTrue(call.query.get('force'));
  const { entry, created } = await objects.apply(targetOf(call), subresource, applied, {
    ...options,
    force,
  });
  await sendEntry(objects, call, created ? 201 : 200, entry, options);
}
