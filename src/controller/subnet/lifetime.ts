// The end of pools and subnets: they wait until nobody holds an address.

import type { Condition, KubeObject, ResourceType } from '#api';
import { withoutFinalizer } from '#plan/reclaim';
import { type Action, withCondition } from '#reconcile';

/** Conditions stay short. */
const MOST_HOLDERS = 5;

/** Removes our finalizer alone. Those of others stay. */
export function withoutOurFinalizer(type: ResourceType, object: KubeObject): Action[] {
  const body = withoutFinalizer(object);
  return body === undefined ? [] : [{ verb: 'patch', type, object, body }];
}

/** The conditions of an object that is deleted while pods hold addresses. `holders` is undefined if they cannot be read. */
export function waitingCondition(
  object: KubeObject & { readonly status?: { readonly conditions?: Condition[] | undefined } | undefined },
  holders: readonly string[] | undefined,
  now: string,
): Condition[] {
  const shown = holders?.slice(0, MOST_HOLDERS).join(', ');
  const more = (holders?.length ?? 0) - MOST_HOLDERS;
  const who =
    shown === undefined ? 'its records cannot be read' : `${shown}${more > 0 ? ` and ${more} more` : ''}`;
  const message = `it is deleted when no pod holds an address of it: ${who}`;
  const wanted = { type: 'Ready', status: 'False', reason: 'InUse', message } as const;
  return withCondition(object.status?.conditions, wanted, now);
}
