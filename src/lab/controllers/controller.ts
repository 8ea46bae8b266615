// A controller: a pure function from what is there to what is to be done, and the keys it must be asked about.

import type { KubeObject, ResourceType } from '#api';
import type { EventNote } from '#kube';
import type { WatchedKind, World } from './world.ts';

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
      /** A merge patch of that very object. */
      readonly verb: 'patch';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly body: Readonly<Record<string, unknown>>;
      readonly subresource?: 'status';
    };

export interface Controller {
  readonly name: string;
  /** The keys to be looked at when an object changed, was added or deleted. */
  readonly concerns: (kind: WatchedKind, object: KubeObject, world: World) => readonly string[];
  /** The keys to be looked at every second, because time alone may change what is to be done. */
  readonly timed?: (world: World) => readonly string[];
  /** What is to be done for a key; nothing when all is as it should be. */
  readonly plan: (key: string, world: World, now: string) => readonly Action[];
}

/** Namespace and name of a key. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const at = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(at, 0)), name: key.slice(at + 1) };
}

/** A patch of the status where it is not as wanted already; fields of others stay. */
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

/** JSON whose fields are in one order: equal texts are equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** Pods that one plan makes at most (kube-controller-manager's BurstReplicas): their coming leads to the next plan. */
export const burst = 500;

/** What is missing, as much of it as one plan makes: a count of two thousand million must not fill the memory. */
export function inBursts<T>(missing: number, make: () => T): T[] {
  return Array.from({ length: Math.min(Math.max(missing, 0), burst) }, make);
}
