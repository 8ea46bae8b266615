// The delete verbs: one object, or all selected objects.

import { sendJson } from '../http/index.ts';
import type { JsonObject } from '../json.ts';
import { deleteObject, type Objects, readDeleteOptions } from '../objects/index.ts';
import { storageName } from '../resource.ts';
import { bodyOf, objectBody, type ResourceCall, targetOf } from './call.ts';
import { bytesFor, inScope, listBytes, scopeOf } from './read.ts';

export async function deleteOne(objects: Objects, call: ResourceCall): Promise<void> {
  const options = readDeleteOptions(objectBody(await bodyOf(call)), call.query, call.user);
  const { entry, gone } = await deleteObject(objects, targetOf(call), options);
  await objects.context.store.durable();
  if (!gone || storageName(call.resource) === 'pods.')
    return sendJson(call.response, 200, bytesFor(call.resource, entry), options.warnings);
  const { group, plural } = call.resource;
  const about: JsonObject = { name: call.path.name, kind: plural, uid: entry.object.metadata.uid ?? '' };
  if (group !== '') about.group = group;
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: about };
  sendJson(call.response, 200, status, options.warnings);
}

export async function deleteCollection(objects: Objects, call: ResourceCall): Promise<void> {
  const { resource, path, query } = call;
  const options = readDeleteOptions(objectBody(await bodyOf(call)), query, call.user);
  const { store } = objects.context;
  const scope = scopeOf(resource, path.namespace, '', query);
  const entries = store.list(storageName(resource)).filter((entry) => inScope(scope, entry));
  for (const { key } of entries) {
    if (store.get(key) === undefined) continue;
    await deleteObject(objects, { resource, namespace: key.namespace, name: key.name }, options);
  }
  await store.durable();
  sendJson(
    call.response,
    200,
    listBytes(resource, { entries, metadata: { resourceVersion: String(store.revision) } }),
  );
}
