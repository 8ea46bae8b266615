// Pools from their creation to their end: counts, the subnet that they belong to, and our finalizer. The key is the name.

import { resources, SPIDERPOOL_FINALIZER, type SpiderIPPool, unreadableNote } from '#api';
import { keyOf } from '#kube';
import { poolInSubnet, withCounts } from '#plan/subnet';
import { type Action, statusActions } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { holdersOf } from './holders.ts';
import { waitingCondition, withoutOurFinalizer } from './lifetime.ts';

const type = resources.spiderIPPools;

export function poolController(): AddressController {
  return {
    name: 'spiderippool',
    workers: 4,
    concerns: (kind, object, state) => {
      if (kind === 'pools') return [keyOf(object)];
      // A new subnet takes the pools of its network.
      return kind === 'subnets' ? state.pools.list().map(keyOf) : [];
    },
    plan: (name, state, now) => {
      const pool = state.pools.get(name);
      if (pool === undefined) return [];
      const isLeftOut = pool.metadata.deletionTimestamp === undefined && unreadableNote(pool) !== undefined;
      if (isLeftOut) return [];
      return pool.metadata.deletionTimestamp === undefined ? kept(pool, state) : ending(pool, now);
    },
  };
}

/** One write for spec and metadata, and one for the status. */
function kept(pool: SpiderIPPool, state: AddressState): Action[] {
  const { resourceVersion, finalizers = [] } = pool.metadata;
  const owned = poolInSubnet(pool, state.subnets.list());
  const hasFinalizer = finalizers.includes(SPIDERPOOL_FINALIZER);
  if (owned !== pool || !hasFinalizer) {
    const { labels, ownerReferences } = owned.metadata;
    const metadata = {
      resourceVersion,
      ...(!hasFinalizer && { finalizers: [...finalizers, SPIDERPOOL_FINALIZER] }),
      ...(owned !== pool && { labels, ownerReferences }),
    };
    const body = { metadata, ...(owned !== pool && { spec: owned.spec }) };
    // The counts follow with the next plan: this write changes the resourceVersion.
    return [{ verb: 'patch', type, object: pool, body }];
  }
  const counted = withCounts(pool);
  if (counted === undefined) return [];
  const { totalIPCount, allocatedIPCount } = counted.status ?? {};
  const body = { metadata: { resourceVersion }, status: { totalIPCount, allocatedIPCount } };
  return [{ verb: 'patch', type, object: pool, body, subresource: 'status' }];
}

/** A deleted pool gives out no address, and is gone when nobody holds one. */
function ending(pool: SpiderIPPool, now: string): Action[] {
  const holders = holdersOf([pool]);
  if (holders !== undefined && holders.length === 0) return withoutOurFinalizer(type, pool);
  return statusActions(type, pool, { conditions: waitingCondition(pool, holders, now) });
}
