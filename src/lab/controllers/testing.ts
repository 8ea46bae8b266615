// For tests: a world made of plain objects. It applies plans as the API server would.

import type { KubeObject, Pod } from '#api';
import { Store } from '#kube';
import type { Action } from './controller.ts';
import { type Kinds, type WatchedKind, type World, watchedKinds, worldIndexes } from './world.ts';

export const now = '2026-01-01T00:00:00Z';

/** A world that tests change. */
export class TestWorld {
  readonly #stores = Object.fromEntries(
    watchedKinds.map((kind) => [kind, new Store<KubeObject>(worldIndexes)]),
  ) as unknown as { [K in WatchedKind]: Store<Kinds[K]> };
  #count = 0;

  get world(): World {
    return this.#stores;
  }

  /** Adds objects. They get a UID, a generation and a namespace if they have none. */
  put<K extends WatchedKind>(kind: K, ...objects: Kinds[K][]): void {
    for (const object of objects) {
      this.#count += 1;
      const { name = `${object.metadata.generateName ?? ''}${this.#count}` } = object.metadata;
      const metadata = { namespace: 'default', uid: `uid-${name}`, generation: 1, ...object.metadata, name };
      this.#stores[kind].put({ ...object, metadata });
    }
  }

  /** Applies creations, deletions, and merge patches one level deep. */
  perform(actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.verb === 'event') continue;
      const kind = watchedKinds.find((one) => one.toLowerCase() === action.type.plural) ?? 'pods';
      const { namespace, name } = action.object.metadata;
      if (action.verb === 'create') this.put(kind, action.object as never);
      else if (action.verb === 'delete') this.#stores[kind].remove(`${namespace}/${name}`);
      else this.put(kind, mergeOf(action.object, action.body) as never);
    }
  }
}

function mergeOf(object: KubeObject, body: Readonly<Record<string, unknown>>): KubeObject {
  const merged = { ...object } as Record<string, unknown>;
  for (const [field, value] of Object.entries(body)) {
    merged[field] = { ...(merged[field] as object | undefined), ...(value as object) };
  }
  return merged as unknown as KubeObject;
}

/** A running pod, as its kubelet reports it. */
export function ready(pod: Pod): Pod {
  const conditions = [{ type: 'Ready', status: 'True' as const }];
  return { ...pod, status: { ...pod.status, phase: 'Running', conditions } };
}

/** Actions as short text: `create pods a`. */
export function shown(actions: readonly Action[]): string[] {
  return actions
    .filter((action) => action.verb !== 'event')
    .filter((action) => action.verb !== 'patch' || action.subresource === undefined)
    .map(
      ({ verb, type, object: { metadata } }) =>
        `${verb} ${type.plural} ${metadata.name ?? metadata.generateName}`,
    );
}

/** The status that a plan writes. */
export function statusOf(actions: readonly Action[]): unknown {
  const patch = actions.find((action) => action.verb === 'patch' && action.subresource === 'status');
  return patch?.verb === 'patch' ? patch.body.status : undefined;
}
