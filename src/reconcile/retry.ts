// Which error is retried, and when. The README of this folder has the same table in words.

import { type ErrorCode, isOrbError } from '#base';

/** What happens to a key after an error. */
export type Retry =
  /** Planned again at once, after a fresh read of the object. */
  | 'at-once'
  /** Tried again with growing waits. */
  | 'back-off'
  /** Not tried again until an object changes that concerns the key. */
  | 'on-change'
  /** Tried again with growing waits, and logged with its stack. */
  | 'bug';

/**
 * The user must correct one object before another try can succeed. KUBE_INVALID is not among them: a webhook may refuse an
 * object because of another one, and no change of the first one tells when that is over.
 */
const onChange: ReadonlySet<ErrorCode> = new Set([
  'ADDRESS_REQUEST_UNSERVED',
  'CNI_INPUT_UNDECODABLE',
  'INPUT_INVALID',
  'IPPOOL_INVALID',
  'IPPOOL_STATUS_INVALID',
] as const);

export function retryOf(error: unknown): Retry {
  if (!isOrbError(error) || error.code === 'INTERNAL') return 'bug';
  if (error.code === 'KUBE_CONFLICT') return 'at-once';
  return onChange.has(error.code) ? 'on-change' : 'back-off';
}

/** The order in which the errors of one plan count. */
const order: readonly Retry[] = ['bug', 'back-off', 'at-once', 'on-change'];

/** The error that decides for a plan of which several actions failed: none may hide that another one must be tried again. */
export function decidingError(errors: readonly unknown[]): unknown {
  return errors.toSorted((a, b) => order.indexOf(retryOf(a)) - order.indexOf(retryOf(b)))[0];
}
