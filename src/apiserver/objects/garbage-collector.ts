// What happens to the dependents of a deleted object (Kubernetes: "Garbage Collection").

import { serverUser } from '../access/index.ts';
import { type ApiObject, type Json, listAt, stringAt, valueAt } from '../json.ts';
import { storageName } from '../resource.ts';
import type { Entry } from '../store/index.ts';
import { changeAsServer, dropFinalizer, targetOf } from './cleanup.ts';
import type { DeleteOptions } from './delete-options.ts';
import { deleteObject } from './deletion.ts';
import type { Dependents } from './dependents.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './finalizers.ts';
import type { Objects } from './objects.ts';
import type { Target } from './target.ts';

export class GarbageCollector {
  readonly #objects: Objects;
  readonly #dependents: Dependents;

  constructor(objects: Objects, dependents: Dependents) {
    this.#objects = objects;
    this.#dependents = dependents;
  }

  /**
   * Deletes an object when all of its owners are gone.
   * When some owners are left, it only removes the references to the others.
   */
  async collect(entry: Entry, target: Target): Promise<void> {
    const references = listAt(entry.object, 'metadata', 'ownerReferences');
    if (references.length === 0) return;
    const owners = references.map((reference) => this.owner(entry.key.namespace, reference));
    const solid = owners.filter((owner) => owner !== undefined && !waitsForDependents(owner.object));
    if (solid.length > 0) {
      if (solid.length === references.length) return;
      const left = references.filter((_, index) => solid.includes(owners[index]));
      await changeAsServer(this.#objects, target, (next) => {
        next.metadata.ownerReferences = left;
      });
      return;
    }
    const waiting = owners.some((owner) => owner !== undefined);
    const hasDependents = this.#dependents.of(entry).length > 0;
    await deleteObject(this.#objects, target, {
      ...(waiting && hasDependents ? { propagationPolicy: 'Foreground' as const } : keptPolicy(entry.object)),
      dryRun: false,
      user: serverUser,
    });
  }

  /** Removes the reference to the owner from all of its dependents. */
  async orphan(entry: Entry, target: Target): Promise<void> {
    const uid = stringAt(entry.object, 'metadata', 'uid') ?? '';
    for (const dependent of this.#dependents.of(entry)) {
      const its = targetOf(this.#objects.context, dependent);
      if (its === undefined) continue;
      await changeAsServer(this.#objects, its, (next) => {
        const left = listAt(next, 'metadata', 'ownerReferences').filter(
          (reference) => stringAt(reference, 'uid') !== uid,
        );
        if (left.length > 0) next.metadata.ownerReferences = left;
        else delete next.metadata.ownerReferences;
      });
    }
    await dropFinalizer(this.#objects, target, ORPHAN_FINALIZER);
  }

  /** Deletes the dependents first, but waits only for those that block. Returns the dependents to collect now. */
  async foreground(entry: Entry, target: Target): Promise<readonly Entry[]> {
    const uid = stringAt(entry.object, 'metadata', 'uid') ?? '';
    const dependents = this.#dependents.of(entry);
    const unmarked = dependents.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
    const blocks = (reference: Json) =>
      stringAt(reference, 'uid') === uid && valueAt(reference, 'blockOwnerDeletion') === true;
    const blocked = dependents.some(({ object }) =>
      listAt(object, 'metadata', 'ownerReferences').some(blocks),
    );
    if (!blocked) await dropFinalizer(this.#objects, target, FOREGROUND_FINALIZER);
    return unmarked;
  }

  /** The object of a reference, if it exists with the same uid. */
  owner(namespace: string, reference: Json): Entry | undefined {
    const { store, registry } = this.#objects.context;
    const version = stringAt(reference, 'apiVersion') ?? '';
    const group = version.includes('/') ? (version.split('/')[0] ?? '') : '';
    const resource = registry.findKind(group, stringAt(reference, 'kind') ?? '');
    if (resource === undefined) return undefined;
    const place = resource.namespaced ? namespace : '';
    const entry = store.get({
      resource: storageName(resource),
      namespace: place,
      name: stringAt(reference, 'name') ?? '',
    });
    return entry?.object.metadata.uid === stringAt(reference, 'uid') ? entry : undefined;
  }
}

function waitsForDependents(object: ApiObject): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    listAt(object, 'metadata', 'finalizers').includes(FOREGROUND_FINALIZER)
  );
}

/** A dependent that has a garbage collector's finalizer keeps its own propagation policy. */
function keptPolicy(object: ApiObject): Pick<DeleteOptions, 'propagationPolicy'> {
  const finalizers = listAt(object, 'metadata', 'finalizers');
  return finalizers.includes(ORPHAN_FINALIZER) || finalizers.includes(FOREGROUND_FINALIZER)
    ? {}
    : { propagationPolicy: 'Background' };
}
