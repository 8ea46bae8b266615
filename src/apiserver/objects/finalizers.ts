// What keeps an object that is being deleted.

import { type ApiObject, listAt, valueAt } from '../json.ts';

/** Finalizers that the garbage collector handles. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

/** Whether nothing keeps an object that is being deleted. */
export function mayBeRemoved(object: ApiObject): boolean {
  if (object.metadata.deletionTimestamp === undefined) return false;
  if (listAt(object, 'metadata', 'finalizers').length > 0) return false;
  if (object.kind === 'Namespace' && listAt(object, 'spec', 'finalizers').length > 0) return false;
  return (valueAt(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0) === 0;
}
