// The writes that the server itself makes during cleanup.

import { serverUser } from '../access/index.ts';
import { type ApiObject, clone, listAt } from '../json.ts';
import type { ObjectContext, WriteOptions } from '../ports.ts';
import type { Entry } from '../store/index.ts';
import type { Objects } from './objects.ts';
import type { Target } from './target.ts';

/** Writes in the server's own name. */
export const asServer: WriteOptions = {
  manager: 'orbweaver-apiserver',
  user: serverUser,
  dryRun: false,
  fieldValidation: 'Ignore',
  warnings: [],
};

/** The target of a write to the object; undefined when its kind is no longer served. */
export function targetOf({ registry }: ObjectContext, { key }: Entry): Target | undefined {
  const resource = registry.findStored(key.resource);
  return resource === undefined ? undefined : { resource, namespace: key.namespace, name: key.name };
}

/** Changes an object in the server's name. `change` modifies the copy that it receives. */
export async function changeAsServer(
  objects: Objects,
  target: Target,
  change: (next: ApiObject) => void,
): Promise<void> {
  const changed = (current: ApiObject) => {
    const next = clone(current);
    change(next);
    return next;
  };
  await objects.update(target, '', changed, asServer);
}

export function dropFinalizer(objects: Objects, target: Target, finalizer: string): Promise<void> {
  return changeAsServer(objects, target, (next) => {
    const present = listAt(next, 'metadata', 'finalizers');
    next.metadata.finalizers = present.filter((it) => it !== finalizer);
  });
}
