// Who owns what: controller references, by which workloads find their pods (kubernetes, metav1.GetControllerOf).

import { apiVersionOf, type KubeObject, type OwnerReference, type ResourceType } from '#api';
import { keyOf } from '#kube';
import { BY_CONTROLLER, type ReadStore } from './informers.ts';

/** The reference that makes `owner` the controller of an object. */
export function controlledBy(type: ResourceType, owner: KubeObject): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The key of the object's controller, if the controller has that kind. */
export function controllerKeys(kind: string, { metadata }: KubeObject): string[] {
  const owner = (metadata.ownerReferences ?? []).find(({ controller }) => controller === true);
  if (owner?.kind !== kind) return [];
  return [keyOf({ metadata: { name: owner.name, namespace: metadata.namespace } })];
}

/** The objects that `owner` controls. */
export function controlledOf<T extends KubeObject>(store: ReadStore<T>, owner: KubeObject): T[] {
  return store.by(BY_CONTROLLER, owner.metadata.uid ?? '');
}
