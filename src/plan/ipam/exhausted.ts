// Whether a pool has no address left, as its status says.

import type { SpiderIPPool } from '#api';

/** The type of the condition. `True`: nothing is left for new pods. */
export const EXHAUSTED_CONDITION = 'Exhausted';

/** A sentence if all addresses are held. Undefined if some are left, or if nobody has counted them yet. */
export function exhaustedNote({ status }: SpiderIPPool): string | undefined {
  const { totalIPCount = 0, allocatedIPCount = 0 } = status ?? {};
  if (totalIPCount === 0 || allocatedIPCount < totalIPCount) return undefined;
  return `pods hold all ${totalIPCount} addresses`;
}
