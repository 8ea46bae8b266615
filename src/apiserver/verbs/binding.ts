// The binding subresource of pods: a scheduler's decision (core/v1 Binding).

import { sendDone } from '../http/index.ts';
import { type ApiObject, type JsonObject, stringAt } from '../json.ts';
import type { Objects } from '../objects/index.ts';
import { badRequest, conflict, methodNotAllowed } from '../status.ts';
import { bodyOf, type ResourceCall, targetOf, writeOptions } from './call.ts';

/** Assigns a pod to a node. This works only once. */
export async function bind(objects: Objects, call: ResourceCall): Promise<void> {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const body = await bodyOf(call);
  const node = stringAt(body, 'target', 'name');
  if (!node) throw badRequest('target.name: Required value');
  const change = (pod: ApiObject): ApiObject => {
    const assigned = stringAt(pod, 'spec', 'nodeName');
    if (assigned)
      throw conflict(
        call.resource,
        call.path.name,
        `pod ${call.path.name} is already assigned to node "${assigned}"`,
      );
    return {
      ...pod,
      metadata: { ...pod.metadata },
      spec: { ...(pod.spec as JsonObject), nodeName: node },
    };
  };
  await objects.update(targetOf(call), '', change, writeOptions(call));
  await objects.context.store.durable();
  sendDone(call.response, 201);
}
