// The scale subresource: the replicas of a workload as an object of their own (autoscaling/v1 Scale).

import { mediaType, sendJson } from '../http/index.ts';
import {
  type ApiObject,
  clone,
  ensureObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  valueAt,
} from '../json.ts';
import type { Objects } from '../objects/index.ts';
import type { Resource, ScalePaths } from '../resource.ts';
import { badRequest, methodNotAllowed, noSuchPath } from '../status.ts';
import { bodyOf, type ResourceCall, targetOf, writeOptions } from './call.ts';
import { patcher } from './patch.ts';

/** Serves get, replace and patch of a Scale. */
export async function serveScale(objects: Objects, call: ResourceCall): Promise<void> {
  const { scale } = call.resource;
  if (scale === undefined) throw noSuchPath();
  const options = writeOptions(call);
  let entry = objects.get(targetOf(call));
  if (call.request.method === 'PUT' || call.request.method === 'PATCH') {
    const body = await bodyOf(call);
    const type = mediaType(call.request);
    const change = (current: ApiObject) => {
      const now = scaleOf(call.resource, scale, current) as ApiObject;
      const wanted =
        call.request.method === 'PUT'
          ? body
          : patcher({ ...call.resource, custom: true }, scaleType(type), body)(now);
      return withScale(scale, current, wanted);
    };
    entry = await objects.update(targetOf(call), '', change, options);
  } else if (call.request.method !== 'GET') throw methodNotAllowed();
  await objects.context.store.durable();
  sendJson(call.response, 200, scaleOf(call.resource, scale, entry.object));
}

/** The Scale of an object. */
export function scaleOf(resource: Resource, scale: ScalePaths, object: ApiObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp } as JsonObject;
  const selector = scale.selector === undefined ? labelText(object) : valueAt(object, ...scale.selector);
  const status: JsonObject = { replicas: numberAt(object, ...scale.status) ?? 0 };
  if (typeof selector === 'string' && selector !== '') status.selector = selector;
  const spec = { replicas: numberAt(object, ...scale.spec) ?? (resource.custom ? 0 : 1) };
  return { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata, spec, status };
}

/** The object with the replicas of a Scale, and with its resourceVersion if it has one. */
export function withScale(scale: ScalePaths, object: ApiObject, wanted: Json): ApiObject {
  const replicas = numberAt(wanted, 'spec', 'replicas');
  if (replicas === undefined || !Number.isInteger(replicas) || replicas < 0) {
    throw badRequest(
      `spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be an integer of 0 or more`,
    );
  }
  const next = clone(object);
  let at: JsonObject = next;
  for (const step of scale.spec.slice(0, -1)) at = ensureObject(at, step);
  at[scale.spec.at(-1) as string] = replicas;
  const version = valueAt(wanted, 'metadata', 'resourceVersion');
  if (typeof version === 'string' && version !== '') next.metadata.resourceVersion = version;
  return next;
}

function labelText(object: ApiObject): string {
  const labels = Object.entries(objectAt(object, 'spec', 'selector', 'matchLabels'));
  return labels.map(([key, value]) => `${key}=${String(value as string)}`).join(',');
}

/** Scale has no lists, so a strategic merge patch is a merge patch. */
function scaleType(type: string): string {
  return type === 'application/strategic-merge-patch+json' ? 'application/merge-patch+json' : type;
}
