// The target of a request: an object, or a subresource of it.

import { type Resource, storageName } from '../resource.ts';
import type { ObjectKey } from '../store/index.ts';

/** An object that a request names. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** What a request writes: the `status`, or the object itself. */
export type Subresource = '' | 'status';

export function keyOf(target: Target): ObjectKey {
  return { resource: storageName(target.resource), namespace: target.namespace, name: target.name };
}
