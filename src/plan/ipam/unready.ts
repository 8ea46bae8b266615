// Why a pool serves no new pods, apart from its addresses being held.

import type { SpiderIPPool } from '#api';
import { errorText, isOrbError } from '#base';
import { parsePool } from './pool.ts';
import { readPoolNetwork } from './pool-network.ts';
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

/** What the records of a pool say. */
export type RecordsSight = { readonly held: number } | { readonly unready: Unready };

/** How many addresses the records hold. This parses all of them. Undefined if the pool has no readable network. */
export function seeRecords({ metadata, spec, status }: SpiderIPPool): RecordsSight | undefined {
  const family = spec && readPoolNetwork(spec, [])?.family;
  if (family === undefined) return undefined;
  try {
    return { held: parseRecords(metadata.name ?? '', family, status?.allocatedIPs ?? '').size };
  } catch (error) {
    if (!isOrbError(error, 'IPPOOL_STATUS_INVALID')) throw error;
    return { unready: { reason: 'RecordsUnreadable', message: errorText(error) } };
  }
}
