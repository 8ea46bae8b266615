// An automatic pool that its application does not ask for: because the application is gone, lives again, or has other
// annotations now.

import { SPIDERPOOL_FINALIZER, type SpiderIPPool } from '#api';
import { isReclaimed, OWNER_SUBNET_LABEL, ownerUid } from './auto-pool.ts';
import type { Notice } from './notice.ts';
import { trySeePool } from './pool-sight.ts';
import { type PoolWrite, rangesText } from './pool-write.ts';

export interface UnwantedStep {
  readonly writes: readonly PoolWrite[];
  readonly notices: readonly Notice[];
}

const nothing: UnwantedStep = { writes: [], notices: [] };

/**
 * What is done with the pool. `living` is the UID of the application of its name, undefined if there is none. A pool
 * that users keep with `ippool-reclaim` stays, whoever asked for it. Pods of an older template may still use and need
 * the pool of another subnet, so it goes when the last one has gone. A deleted pool gives out no more addresses, and
 * its finalizer keeps it until pods hold none.
 */
export function planUnwantedPool(pool: SpiderIPPool, living: string | undefined): UnwantedStep {
  if (pool.metadata.deletionTimestamp !== undefined) return released(pool);
  if (!isReclaimed(pool)) return nothing;
  const removal: UnwantedStep = { writes: [{ verb: 'delete', pool }], notices: [] };
  if (ownerUid(pool) !== living) return removal;
  const sight = trySeePool(pool);
  if (typeof sight !== 'string' && sight.inUse.isEmpty) return removal;
  const held = typeof sight === 'string' ? sight : `pods still hold ${rangesText(sight.inUse)}`;
  const message = `the application no longer asks for IPPool ${sight instanceof Object ? sight.name : pool.metadata.name}: ${held}`;
  const subnet = pool.metadata.labels?.[OWNER_SUBNET_LABEL] ?? '';
  const notice: Notice = {
    type: 'Normal',
    reason: 'ApplicationSubnetChanged',
    subnet,
    pool: pool.metadata.name,
    message,
  };
  return { writes: [], notices: [notice] };
}

/** Removes our finalizer from a deleted pool whose addresses nobody holds. */
function released(pool: SpiderIPPool): UnwantedStep {
  const { finalizers = [] } = pool.metadata;
  const sight = trySeePool(pool);
  if (!finalizers.includes(SPIDERPOOL_FINALIZER) || typeof sight === 'string' || !sight.inUse.isEmpty)
    return nothing;
  const others = finalizers.filter((name) => name !== SPIDERPOOL_FINALIZER);
  return {
    writes: [{ verb: 'update', pool: { ...pool, metadata: { ...pool.metadata, finalizers: others } } }],
    notices: [],
  };
}
