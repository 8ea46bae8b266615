// The conditions of stored pools. One that shares addresses with an older pool is `Overlapping`, and agents leave it out.
// One whose addresses are all held is `Exhausted`.

import { type Condition, resources, type SpiderIPPool } from '#api';
import { EXHAUSTED_CONDITION, exhaustedNote, OVERLAPPING_CONDITION, overlapNotes } from '#plan/ipam';
import { type Action, statusActions, withCondition } from '#reconcile';
import type { AddressController } from '../kinds.ts';

const type = resources.spiderIPPools;

/** All pools are judged together. */
const KEY = 'pools';

/** What a condition says when it is true and when it is false. The message of a true one is its note. */
const words = {
  [OVERLAPPING_CONDITION]: {
    reasons: { True: 'AddressesOfAnotherPool', False: 'Solved' },
    falseMessage: 'no other pool has addresses of this pool',
  },
  [EXHAUSTED_CONDITION]: {
    reasons: { True: 'AllAddressesHeld', False: 'AddressesFree' },
    falseMessage: 'the pool has free addresses',
  },
} as const;

type Judged = keyof typeof words;

export function poolConditionsController(): AddressController {
  /** What decides, of all pools. Most changes of a pool are of its addresses in use, and need no comparison. */
  let judged = '';
  return {
    name: 'pool-conditions',
    concerns: (kind) => (kind === 'pools' ? [KEY] : []),
    // A new leader judges at once.
    outside: () => {
      judged = '';
      return () => {};
    },
    plan: (_, state, now) => {
      const pools = state.pools.list();
      const deciding = JSON.stringify(
        pools.map((pool) => [
          pool.metadata.uid,
          pool.metadata.generation,
          noteIn(pool, OVERLAPPING_CONDITION),
          noteIn(pool, EXHAUSTED_CONDITION) === exhaustedNote(pool),
        ]),
      );
      if (deciding === judged) return [];
      const overlaps = overlapNotes(pools);
      const actions = pools.flatMap((pool) =>
        actionsFor(pool, now, {
          [OVERLAPPING_CONDITION]: overlaps.get(pool.metadata.name ?? ''),
          [EXHAUSTED_CONDITION]: exhaustedNote(pool),
        }),
      );
      // Actions may fail, and are then planned again.
      if (actions.length === 0) judged = deciding;
      return actions;
    },
  };
}

/** The conditions, and an Event for each that changes. A pool never gets a condition that was never true. */
function actionsFor(
  pool: SpiderIPPool,
  now: string,
  notes: Readonly<Record<Judged, string | undefined>>,
): Action[] {
  const changed = (Object.keys(words) as Judged[]).filter((judged) => noteIn(pool, judged) !== notes[judged]);
  let conditions = pool.status?.conditions;
  const events: Action[] = [];
  for (const judged of changed) {
    const wanted = conditionOf(judged, notes[judged], pool.metadata.generation);
    conditions = withCondition(conditions, wanted, now);
    const { reason = '', message = '' } = wanted;
    const told = {
      type: wanted.status === 'True' ? ('Warning' as const) : ('Normal' as const),
      reason,
      message,
    };
    events.push({ verb: 'event', type, object: pool, note: told });
  }
  return [...statusActions(type, pool, { conditions }), ...events];
}

/** The message of the condition while it is true. */
function noteIn(pool: SpiderIPPool, judged: Judged): string | undefined {
  const found = pool.status?.conditions?.find((condition) => condition.type === judged);
  return found?.status === 'True' ? found.message : undefined;
}

function conditionOf(
  judged: Judged,
  note: string | undefined,
  generation: number | undefined,
): Omit<Condition, 'lastTransitionTime'> {
  const { reasons, falseMessage } = words[judged];
  const status = note === undefined ? 'False' : 'True';
  return {
    type: judged,
    status,
    reason: reasons[status],
    message: note ?? falseMessage,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}
