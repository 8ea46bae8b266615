// Empties namespaces and definitions before they go.

import { serverUser } from '../access/index.ts';
import { listAt, objectAt } from '../json.ts';
import { CUSTOM_RESOURCE_FINALIZER, NAMESPACE_FINALIZER } from '../kinds/index.ts';
import { StatusError } from '../status.ts';
import type { Entry } from '../store/index.ts';
import { changeAsServer, dropFinalizer, targetOf } from './cleanup.ts';
import type { DeleteOptions } from './delete-options.ts';
import { deleteObject } from './deletion.ts';
import type { Objects } from './objects.ts';
import type { Target } from './target.ts';

const background: DeleteOptions = { propagationPolicy: 'Background', dryRun: false, user: serverUser };

/** Deletes the content of a namespace, and removes its finalizer when nothing is left. */
export async function emptyNamespace(objects: Objects, namespace: Entry, target: Target): Promise<void> {
  const { store } = objects.context;
  const content = () =>
    store
      .resources()
      .flatMap((resource) => store.list(resource).filter(({ key }) => key.namespace === namespace.key.name));
  await deleteAll(objects, content());
  if (content().length > 0) return;
  await changeAsServer(objects, target, (next) => {
    const kept = listAt(next, 'spec', 'finalizers').filter((finalizer) => finalizer !== NAMESPACE_FINALIZER);
    next.spec = { ...objectAt(next, 'spec'), finalizers: kept };
  });
}

/** Deletes the objects of a definition's kind, and removes the definition's finalizer when none is left. */
export async function emptyDefinition(objects: Objects, definition: Entry, target: Target): Promise<void> {
  const { store } = objects.context;
  const resource = definition.key.name;
  await deleteAll(objects, store.list(resource));
  if (store.list(resource).length === 0) await dropFinalizer(objects, target, CUSTOM_RESOURCE_FINALIZER);
}

/**
 * Deletes all objects that are not marked yet. A refused deletion does not stop the others.
 * Pods of a terminating namespace still get their grace period.
 */
async function deleteAll(objects: Objects, entries: readonly Entry[]): Promise<void> {
  const denials: unknown[] = [];
  for (const entry of entries) {
    const target = targetOf(objects.context, entry);
    if (target === undefined || entry.object.metadata.deletionTimestamp !== undefined) continue;
    try {
      await deleteObject(objects, target, background);
    } catch (error) {
      // A 404 means that the object is gone already.
      if (!(error instanceof StatusError && error.code === 404)) denials.push(error);
    }
  }
  if (denials.length > 0) throw denials[0];
}
