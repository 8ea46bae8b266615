// A controller: a pure function from the state of the cluster to actions, and the keys for which it must be called.

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
      /** A merge patch of exactly this object. */
      readonly verb: 'patch';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly body: Readonly<Record<string, unknown>>;
      readonly subresource?: 'status';
    };

export interface Controller {
  readonly name: string;
  /** The keys to plan again when an object was changed, added or deleted. */
  readonly concerns: (kind: WatchedKind, object: KubeObject, world: World) => readonly string[];
  /** The keys to plan again every second, because the passing of time alone may require actions. */
  readonly timed?: (world: World) => readonly string[];
  /** The actions for a key; none if all is as it should be. */
  readonly plan: (key: string, world: World, now: string) => readonly Action[];
}

/** Splits a key into namespace and name. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const at = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(at, 0)), name: key.slice(at + 1) };
}

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

/** JSON with sorted fields: equal texts mean equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** The most pods that one plan creates (kube-controller-manager's BurstReplicas). When they appear, the next plan is made. */
export const burst = 500;

/** The missing objects, at most as many as one plan creates. A count of two thousand million must not fill the memory. */
export function inBursts<T>(missing: number, make: () => T): T[] {
  return Array.from({ length: Math.min(Math.max(missing, 0), burst) }, make);
}
