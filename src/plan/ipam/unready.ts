// Why a pool serves no new pods, apart from its addresses being held.

import type { SpiderIPPool } from '#api';
import { errorText, isOrbError } from '#base';
import { parsePool } from './pool.ts';
import { parseRecords } from './records.ts';

/** Reason and message of the condition `Ready` while it is false. */
export interface Unready {
  readonly reason: 'Invalid' | 'Disabled' | 'RecordsUnreadable';
  readonly message: string;
}

/** What the spec says. Undefined if the pool can give out addresses. Overlaps with other pools are judged elsewhere. */
export function unreadyPool(object: SpiderIPPool): Unready | undefined {
  try {
    return parsePool(object).disabled ? { reason: 'Disabled', message: 'spec.disable is true' } : undefined;
  } catch (error) {
    if (!isOrbError(error, 'IPPOOL_INVALID')) throw error;
    return { reason: 'Invalid', message: errorText(error) };
  }
}

/** What the records say. This parses all of them. The pool has a valid spec. */
export function unreadableRecords(object: SpiderIPPool): Unready | undefined {
  try {
    const { name, family } = parsePool(object);
    parseRecords(name, family, object.status?.allocatedIPs ?? '');
    return undefined;
  } catch (error) {
    if (!isOrbError(error, 'IPPOOL_STATUS_INVALID')) throw error;
    return { reason: 'RecordsUnreadable', message: errorText(error) };
  }
}
