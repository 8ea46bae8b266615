// The conditions of stored pools and subnets. `Overlapping`: a pool that shares addresses with an older one, which agents leave
// out. `Exhausted`: nothing is left. `Quarantined`: other machines use addresses. `Ready`: whether it can be used at all.

import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { errorText, isOrbError } from '#base';
import {
  EXHAUSTED_CONDITION,
  exhaustedNote,
  OVERLAPPING_CONDITION,
  overlapNotes,
  QUARANTINED_CONDITION,
  quarantineNote,
  quarantinesOf,
  readPoolNetwork,
  type Unready,
  unreadableRecords,
  unreadyPool,
} from '#plan/ipam';
import { SubnetLedger } from '#plan/subnet';
import type { Action } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { actionsFor, changedConditions, type Judgement, type NotReady } from './judgement.ts';

type Quarantines = ReturnType<typeof quarantinesOf>;

/** All are judged together. */
const KEY = 'all';
/** The records of a pool are many, and change often. They are parsed once in this time. */
const RECORDS_MS = 10_000;

export function conditionsController(): AddressController {
  const records = new RecordChecks();
  /** The overlaps, and the specs that they were found in: most changes of a pool are of its addresses in use. */
  let overlaps: { readonly specs: string; readonly notes: ReadonlyMap<string, string> } | undefined;
  return {
    name: 'conditions',
    concerns: (kind) => (kind === 'pools' || kind === 'subnets' || kind === 'nodes' ? [KEY] : []),
    plan: (_, state, now) => {
      const pools = state.pools.list();
      const nowMs = Date.parse(now);
      const quarantines = quarantinesOf(state.nodes.list(), nowMs);
      const specs = JSON.stringify(
        pools.map(({ metadata: { uid, generation }, status }) => [
          ...[uid, generation],
          status?.conditions?.find(({ type }) => type === OVERLAPPING_CONDITION)?.status,
        ]),
      );
      if (overlaps?.specs !== specs) overlaps = { specs, notes: overlapNotes(pools) };
      const { notes } = overlaps;
      records.keepOnly(pools);
      const actions = [
        ...pools.flatMap((pool) => {
          const judgement = judgePool(pool, notes.get(pool.metadata.name ?? ''), quarantines, () =>
            records.of(pool, nowMs),
          );
          return actionsFor(resources.spiderIPPools, pool, changedConditions(pool, judgement), now);
        }),
        ...subnetActions(state, quarantines, now),
      ];
      const endings = quarantines.map(({ untilMs }) => untilMs - nowMs);
      const againAfterMs = Math.min(...endings, ...(records.isLate(pools) ? [RECORDS_MS] : []));
      return againAfterMs === Number.POSITIVE_INFINITY ? actions : { actions, againAfterMs };
    },
  };
}

function judgePool(
  pool: SpiderIPPool,
  overlap: string | undefined,
  quarantines: Quarantines,
  records: () => Unready | undefined,
): Judgement {
  const faults = {
    [OVERLAPPING_CONDITION]: overlap,
    [EXHAUSTED_CONDITION]: exhaustedNote(pool),
    [QUARANTINED_CONDITION]: quarantineIn(pool, quarantines),
  };
  if (pool.metadata.deletionTimestamp !== undefined) return { ready: 'leave', ...faults };
  const overlapping = overlap === undefined ? undefined : { reason: OVERLAPPING_CONDITION, message: overlap };
  return { ready: unreadyBySpec(pool) ?? overlapping ?? records(), ...faults };
}

/** An object of the informers never changes. A pool that is all right has `undefined`. */
const bySpec = new WeakMap<SpiderIPPool, { readonly unready: Unready | undefined }>();

function unreadyBySpec(pool: SpiderIPPool): Unready | undefined {
  const known = bySpec.get(pool) ?? { unready: unreadyPool(pool) };
  bySpec.set(pool, known);
  return known.unready;
}

function subnetActions({ subnets }: AddressState, quarantines: Quarantines, now: string): Action[] {
  return subnets.list().flatMap((subnet) => {
    const judgement: Judgement = {
      ready: subnet.metadata.deletionTimestamp === undefined ? unreadySubnet(subnet) : 'leave',
      [EXHAUSTED_CONDITION]: exhaustedNote(subnet),
      [QUARANTINED_CONDITION]: quarantineIn(subnet, quarantines),
    };
    return actionsFor(resources.spiderSubnets, subnet, changedConditions(subnet, judgement), now);
  });
}

function unreadySubnet(subnet: SpiderSubnet): NotReady | undefined {
  try {
    SubnetLedger.read(subnet);
    return undefined;
  } catch (error) {
    if (!isOrbError(error, 'SUBNET_INVALID')) throw error;
    return { reason: 'Invalid', message: errorText(error) };
  }
}

function quarantineIn({ spec }: SpiderIPPool | SpiderSubnet, quarantines: Quarantines): string | undefined {
  if (quarantines.length === 0 || spec === undefined) return undefined;
  const addresses = readPoolNetwork(spec, [])?.addresses;
  return addresses && quarantineNote(addresses, quarantines);
}

interface RecordCheck {
  readonly text: string | undefined;
  readonly generation: number | undefined;
  readonly atMs: number;
  readonly result: Unready | undefined;
}

/** The last check of the records of each pool, by UID. */
class RecordChecks {
  readonly #last = new Map<string, RecordCheck>();

  of(pool: SpiderIPPool, nowMs: number): Unready | undefined {
    const { uid = '', generation } = pool.metadata;
    const text = pool.status?.allocatedIPs;
    const last = this.#last.get(uid);
    const isSame = last?.text === text && last?.generation === generation;
    if (last !== undefined && (isSame || nowMs - last.atMs < RECORDS_MS)) return last.result;
    const result = unreadableRecords(pool);
    this.#last.set(uid, { text, generation, atMs: nowMs, result });
    return result;
  }

  /** Whether a pool has records that were not checked yet. */
  isLate(pools: readonly SpiderIPPool[]): boolean {
    return pools.some(({ metadata: { uid = '' }, status }) => {
      const last = this.#last.get(uid);
      return last !== undefined && last.text !== status?.allocatedIPs;
    });
  }

  keepOnly(pools: readonly SpiderIPPool[]): void {
    const living = new Set(pools.map(({ metadata }) => metadata.uid));
    for (const uid of this.#last.keys()) if (!living.has(uid)) this.#last.delete(uid);
  }
}
