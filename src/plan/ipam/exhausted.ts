// Whether a pool or a subnet has no address left, as its status says.

import type { SpiderIPPool, SpiderSubnet } from '#api';
import { PROVIDER_ANNOTATION } from './provision.ts';

/** The type of the condition. `True`: nothing is left for new pods. */
export const EXHAUSTED_CONDITION = 'Exhausted';

/**
 * A sentence if all addresses are held, or all that are ready. Undefined if some are left, or if nobody has counted them
 * yet.
 */
export function exhaustedNote(object: SpiderIPPool | SpiderSubnet): string | undefined {
  const { totalIPCount = 0, allocatedIPCount = 0 } = object.status ?? {};
  const ready = readyCount(object);
  if (ready !== undefined && allocatedIPCount >= ready && ready < totalIPCount)
    return `pods hold ${allocatedIPCount} addresses, and ${ready} of ${totalIPCount} are ready`;
  if (totalIPCount === 0 || allocatedIPCount < totalIPCount) return undefined;
  const holders = object.kind === 'SpiderSubnet' ? 'pools have' : 'pods hold';
  return `${holders} all ${totalIPCount} addresses`;
}

/** Undefined if no provider makes the addresses ready, or has not counted them yet. */
function readyCount({ metadata, status = {} }: SpiderIPPool | SpiderSubnet): number | undefined {
  if ((metadata.annotations?.[PROVIDER_ANNOTATION] ?? '') === '') return undefined;
  return 'ipMetaData' in status ? status.ipMetaData?.readyIPCount : undefined;
}
