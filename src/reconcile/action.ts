// What a controller does to the cluster, as data: one write of an object, or an Event.

import type { KubeObject, ResourceType } from '#api';
import type { EventNote } from '#kube';
import { canonical } from './canonical.ts';

/** One write to the API. */
export type Action =
  | {
      readonly verb: 'event';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly note: EventNote;
    }
  | { readonly verb: 'create'; readonly type: ResourceType; readonly object: KubeObject }
  | { readonly verb: 'delete'; readonly type: ResourceType; readonly object: KubeObject }
  | {
      /** A merge patch of exactly this object. */
      readonly verb: 'patch';
      readonly type: ResourceType;
      readonly object: KubeObject;
      /** With `metadata.resourceVersion`, the patch is refused if the object has changed (KUBE_CONFLICT). */
      readonly body: Readonly<Record<string, unknown>>;
      readonly subresource?: 'status';
    };

/** A patch of the status if it differs from the wanted one. Fields that others wrote are kept. */
export function statusActions(
  type: ResourceType,
  object: KubeObject & { readonly status?: object | undefined },
  status: Readonly<Record<string, unknown>>,
): Action[] {
  const before = (object.status ?? {}) as Readonly<Record<string, unknown>>;
  const changed = Object.entries(status).filter(
    ([field, value]) => canonical(before[field]) !== canonical(value),
  );
  if (changed.length === 0) return [];
  return [
    { verb: 'patch', type, object, body: { status: Object.fromEntries(changed) }, subresource: 'status' },
  ];
}
