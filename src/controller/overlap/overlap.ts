// Marks stored pools that share addresses with an older pool, so that agents leave them out.

import { resources, type SpiderIPPool } from '#api';
import { OVERLAPPING_CONDITION, overlapNote, overlapNotes } from '#plan/ipam';
import { type Action, statusActions, withCondition } from '#reconcile';
import type { AddressController } from '../kinds.ts';

const type = resources.spiderIPPools;

/** All pools are judged together. */
const KEY = 'pools';

export function overlapController(): AddressController {
  /** What decides, of all pools. Most changes of a pool are of its addresses in use, and need no comparison. */
  let judged = '';
  return {
    name: 'pool-overlaps',
    concerns: (kind) => (kind === 'pools' ? [KEY] : []),
    // A new leader judges at once.
    outside: () => {
      judged = '';
      return () => {};
    },
    plan: (_, state, now) => {
      const pools = state.pools.list();
      const deciding = JSON.stringify(
        pools.map((pool) => [pool.metadata.uid, pool.metadata.generation, overlapNote(pool)]),
      );
      if (deciding === judged) return [];
      const notes = overlapNotes(pools);
      const actions = pools.flatMap((pool) => actionsFor(pool, notes.get(pool.metadata.name ?? ''), now));
      // Actions may fail, and are then planned again.
      if (actions.length === 0) judged = deciding;
      return actions;
    },
  };
}

/** The condition, and an Event when a pool is left out or serves again. A pool that never overlapped has no condition. */
function actionsFor(pool: SpiderIPPool, note: string | undefined, now: string): Action[] {
  const before = overlapNote(pool);
  if (before === note) return [];
  const left = note !== undefined;
  const reason = left ? 'AddressesOfAnotherPool' : 'Solved';
  const message = note ?? 'no other pool has addresses of this pool';
  const { generation } = pool.metadata;
  const wanted = {
    type: OVERLAPPING_CONDITION,
    status: left ? ('True' as const) : ('False' as const),
    ...{ reason, message, ...(generation !== undefined && { observedGeneration: generation }) },
  };
  const told = { type: left ? ('Warning' as const) : ('Normal' as const), reason, message };
  return [
    ...statusActions(type, pool, { conditions: withCondition(pool.status?.conditions, wanted, now) }),
    { verb: 'event', type, object: pool, note: told },
  ];
}
