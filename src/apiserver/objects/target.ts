// What a request is about: an object by its name, or a part of it.

import { type Resource, storageName } from '../resource.ts';
import type { ObjectKey } from '../store/entry.ts';

/** An object as named by a request. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** Where `status` or the object itself is written. */
export type Subresource = '' | 'status';

export function keyOf(target: Target): ObjectKey {
  return { resource: storageName(target.resource), namespace: target.namespace, name: target.name };
}
