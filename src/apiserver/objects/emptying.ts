// Namespaces and definitions are emptied before they end.

import { serverUser } from '../access/user.ts';
import { listAt, objectAt } from '../json.ts';
import { customResourceFinalizer } from '../kinds/custom-resource-definition.ts';
import { namespaceFinalizer } from '../kinds/namespace.ts';
import { StatusError } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import { changeAsServer, dropFinalizer, targetOf } from './cleanup.ts';
import type { DeleteOptions } from './delete-options.ts';
import { deleteObject } from './deletion.ts';
import type { Objects } from './objects.ts';
import type { Target } from './target.ts';

const background: DeleteOptions = { propagationPolicy: 'Background', dryRun: false, user: serverUser };

/** Deletes what is in a namespace, and lets go of the namespace once nothing is left. */
export async function emptyNamespace(objects: Objects, namespace: Entry, target: Target): Promise<void> {
  const { store } = objects.context;
  const content = () =>
    store
      .resources()
      .flatMap((resource) => store.list(resource).filter(({ key }) => key.namespace === namespace.key.name));
  await deleteAll(objects, content());
  if (content().length > 0) return;
  await changeAsServer(objects, target, (next) => {
    const kept = listAt(next, 'spec', 'finalizers').filter((finalizer) => finalizer !== namespaceFinalizer);
    next.spec = { ...objectAt(next, 'spec'), finalizers: kept };
  });
}

/** Deletes the objects of a definition's kind, and lets go of the definition once none is left. */
export async function emptyDefinition(objects: Objects, definition: Entry, target: Target): Promise<void> {
  const { store } = objects.context;
  const resource = definition.key.name;
  await deleteAll(objects, store.list(resource));
  if (store.list(resource).length === 0) await dropFinalizer(objects, target, customResourceFinalizer);
}

/** Deletes what is not marked yet; what is denied does not keep the rest. Pods of a namespace that ends still get their grace. */
async function deleteAll(objects: Objects, entries: readonly Entry[]): Promise<void> {
  const denials: unknown[] = [];
  for (const entry of entries) {
    const target = targetOf(objects.context, entry);
    if (target === undefined || entry.object.metadata.deletionTimestamp !== undefined) continue;
    try {
      await deleteObject(objects, target, background);
    } catch (error) {
      // Somebody else was faster where it is a 404.
      if (!(error instanceof StatusError && error.code === 404)) denials.push(error);
    }
  }
  if (denials.length > 0) throw denials[0];
}
