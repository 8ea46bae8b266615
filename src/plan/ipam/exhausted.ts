// Whether a pool or a subnet has no address left, as its status says.

import type { SpiderIPPool, SpiderSubnet } from '#api';

/** The type of the condition. `True`: nothing is left for new pods. */
export const EXHAUSTED_CONDITION = 'Exhausted';

/** A sentence if all addresses are held. Undefined if some are left, or if nobody has counted them yet. */
export function exhaustedNote(object: SpiderIPPool | SpiderSubnet): string | undefined {
  const { totalIPCount = 0, allocatedIPCount = 0 } = object.status ?? {};
  if (totalIPCount === 0 || allocatedIPCount < totalIPCount) return undefined;
  const holders = object.kind === 'SpiderSubnet' ? 'pools have' : 'pods hold';
  return `${holders} all ${totalIPCount} addresses`;
}
