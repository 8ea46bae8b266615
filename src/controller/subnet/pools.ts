// Pools from their creation to their end: counts, the subnet that they belong to, and our finalizer. The key is the name.

import { resources, SPIDERPOOL_FINALIZER, type SpiderIPPool, unreadableNote } from '#api';
import { keyOf } from '#kube';
import { poolInSubnet, withCounts } from '#plan/subnet';
import { type Action, type Plan, statusActions } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { RECORDS_MS, type RecordChecks } from '../record-checks.ts';
import { holdersOf } from './holders.ts';
import { waitingCondition, withoutOurFinalizer } from './lifetime.ts';

const type = resources.spiderIPPools;

export function poolController(records: RecordChecks): AddressController {
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
      if (pool.metadata.deletionTimestamp !== undefined) return ending(pool, now);
      return owned(pool, state) ?? counted(pool, records, Date.parse(now));
    },
  };
}

/** The write that gives the pool its subnet and our finalizer. Undefined if it has both. */
function owned(pool: SpiderIPPool, state: AddressState): Action[] | undefined {
  const { resourceVersion, finalizers = [] } = pool.metadata;
  const inSubnet = poolInSubnet(pool, state.subnets.list());
  const isChanged = inSubnet !== pool;
  const hasFinalizer = finalizers.includes(SPIDERPOOL_FINALIZER);
  if (!isChanged && hasFinalizer) return undefined;
  const { labels, ownerReferences } = inSubnet.metadata;
  const metadata = {
    resourceVersion,
    ...(!hasFinalizer && { finalizers: [...finalizers, SPIDERPOOL_FINALIZER] }),
    ...(isChanged && { labels, ownerReferences }),
  };
  // The counts follow with the next plan: this write changes the resourceVersion.
  return [
    { verb: 'patch', type, object: pool, body: { metadata, ...(isChanged && { spec: inSubnet.spec }) } },
  ];
}

/** The write of the right counts. Whoever writes records also writes their count, so a wrong one is rare. */
function counted(pool: SpiderIPPool, records: RecordChecks, nowMs: number): Plan {
  const { sight, isLate } = records.of(pool, nowMs);
  const held = !isLate && sight !== undefined && 'held' in sight ? sight.held : undefined;
  const actions = countActions(pool, withCounts(pool, held));
  return isLate ? { actions, againAfterMs: RECORDS_MS } : actions;
}

function countActions(pool: SpiderIPPool, right: SpiderIPPool | undefined): Action[] {
  if (right === undefined) return [];
  const { totalIPCount, allocatedIPCount } = right.status ?? {};
  const { resourceVersion } = pool.metadata;
  const body = { metadata: { resourceVersion }, status: { totalIPCount, allocatedIPCount } };
  return [{ verb: 'patch', type, object: pool, body, subresource: 'status' }];
}

/** A deleted pool gives out no address, and is gone when nobody holds one. */
function ending(pool: SpiderIPPool, now: string): Action[] {
  const holders = holdersOf([pool]);
  if (holders !== undefined && holders.length === 0) return withoutOurFinalizer(type, pool);
  return statusActions(type, pool, { conditions: waitingCondition(pool, holders, now) });
}
