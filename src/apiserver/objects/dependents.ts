// An index of objects by their owners. Events keep it up to date.

import { isObject, type Json, listAt } from '../json.ts';
import type { Entry, StoreEvent } from '../store/index.ts';

/** An index over everything stored. */
export class Dependents {
  /** Objects by the uid of each owner they name. */
  readonly #byOwner = new Map<string, Map<string, Entry>>();

  add(entry: Entry): void {
    for (const uid of ownerUids(entry)) {
      const dependents = this.#byOwner.get(uid) ?? new Map<string, Entry>();
      this.#byOwner.set(uid, dependents.set(entryText(entry), entry));
    }
  }

  observe(event: StoreEvent): void {
    if (event.previous !== undefined) this.#drop(event.previous);
    if (event.type !== 'DELETED') this.add(event.entry);
  }

  /** A copy of the set of objects that name `owner`. */
  of(owner: Entry): Entry[] {
    const { uid } = owner.object.metadata;
    return typeof uid === 'string' ? [...(this.#byOwner.get(uid)?.values() ?? [])] : [];
  }

  #drop(entry: Entry): void {
    for (const uid of ownerUids(entry)) {
      const dependents = this.#byOwner.get(uid);
      dependents?.delete(entryText(entry));
      if (dependents?.size === 0) this.#byOwner.delete(uid);
    }
  }
}

function ownerUids(entry: Entry): string[] {
  return listAt(entry.object, 'metadata', 'ownerReferences').flatMap((reference: Json) => {
    const uid = isObject(reference) ? reference.uid : undefined;
    return typeof uid === 'string' ? [uid] : [];
  });
}

/** A key that is unique among all objects. */
export function entryText({ key }: Entry): string {
  return `${key.resource} ${key.namespace}/${key.name}`;
}
