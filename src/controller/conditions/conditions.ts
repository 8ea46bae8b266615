// The conditions of stored pools and subnets. `Overlapping`: it shares addresses with an older one, and gives out no new ones.
// `Exhausted`: nothing is left. `Quarantined`: other machines use addresses. `Ready`: whether it can be used at all.
// There is a key for each object, so that what fails for one delays no other one.

import { type KubeObject, resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { errorText, isOrbError } from '#base';
import { keyOf } from '#kube';
import {
  EXHAUSTED_CONDITION,
  exhaustedNote,
  OVERLAPPING_CONDITION,
  QUARANTINED_CONDITION,
  quarantineNote,
  storedNetwork,
  type ToldQuarantine,
  type Unready,
  unreadyPool,
} from '#plan/ipam';
import { NETWORK_OF_ANOTHER_SUBNET, SubnetLedger, type SubnetOverlap } from '#plan/subnet';
import type { Action, Plan } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { RECORDS_MS, type RecordChecks } from '../record-checks.ts';
import { actionsFor, changedConditions, type Judgement, type NotReady } from './judgement.ts';
import { Overlaps } from './overlaps.ts';
import { Quarantines } from './quarantines.ts';

/** The key of a pool or a subnet. */
const keyFor = (kind: 'pools' | 'subnets', object: KubeObject) => `${kind} ${keyOf(object)}`;
/** The key of all nodes: it reads their quarantines again. */
const QUARANTINES = 'quarantines';

export function conditionsController(records: RecordChecks): AddressController {
  const conditions = new Conditions(records);
  return {
    name: 'conditions',
    // Each waits until its own writes are seen.
    workers: 16,
    concerns: (kind, object, state) => conditions.concerned(kind, object, state),
    outside: (changed) => conditions.begin(changed),
    plan: (key, state, now) => conditions.plan(key, state, now),
  };
}

class Conditions {
  readonly #records: RecordChecks;
  readonly #overlaps = new Overlaps();
  readonly #quarantines = new Quarantines();
  #changed: (key: string) => void = () => {};

  constructor(records: RecordChecks) {
    this.#records = records;
  }

  begin(changed: (key: string) => void): () => void {
    this.#changed = changed;
    this.#overlaps.forget();
    this.#quarantines.forget();
    return () => {
      this.#changed = () => {};
    };
  }

  concerned(kind: string, object: KubeObject, state: AddressState): string[] {
    if (kind === 'nodes') return this.#quarantines.changed(keyOf(object), state) ? [QUARANTINES] : [];
    if (kind !== 'pools' && kind !== 'subnets') return [];
    this.#overlaps.changed(kind, keyOf(object), state);
    return [keyFor(kind, object)];
  }

  plan(key: string, state: AddressState, now: string): Plan {
    const told = this.#quarantines.at(Date.parse(now), state, () => this.#allChanged(state));
    // Also asked for an object that is gone: others may have shared its addresses.
    const overlaps = this.#overlaps.now(state, (kind, object) => this.#changed(keyFor(kind, object)));
    const [kind, name = ''] = key.split(' ');
    if (kind === 'pools') return this.#planPool(name, state, overlaps.pools, told, now);
    const subnet = kind === 'subnets' ? state.subnets.get(name) : undefined;
    if (subnet === undefined) return [];
    return planSubnet(subnet, overlaps.subnets.get(subnet.metadata.name ?? ''), told, now);
  }

  #allChanged({ pools, subnets }: AddressState): void {
    for (const pool of pools.list()) this.#changed(keyFor('pools', pool));
    for (const subnet of subnets.list()) this.#changed(keyFor('subnets', subnet));
  }

  #planPool(
    key: string,
    { pools }: AddressState,
    overlaps: ReadonlyMap<string, string>,
    told: readonly ToldQuarantine[],
    now: string,
  ): Plan {
    const pool = pools.get(key);
    if (pool === undefined) {
      this.#records.forget(key);
      return [];
    }
    const nowMs = Date.parse(now);
    const quarantine = quarantineIn(pool, told);
    let isLate = false;
    const judgement = judgePool(pool, overlaps.get(pool.metadata.name ?? ''), quarantine?.note, () => {
      const check = this.#records.of(pool, nowMs);
      ({ isLate } = check);
      return check.sight !== undefined && 'unready' in check.sight ? check.sight.unready : undefined;
    });
    const actions = actionsFor(resources.spiderIPPools, pool, changedConditions(pool, judgement), now);
    return again(actions, [...endsIn(quarantine, nowMs), ...(isLate ? [RECORDS_MS] : [])]);
  }
}

/** The plan is made again after the shortest of these times. */
function again(actions: readonly Action[], timesMs: readonly number[]): Plan {
  return timesMs.length === 0 ? actions : { actions, againAfterMs: Math.min(...timesMs) };
}

function judgePool(
  pool: SpiderIPPool,
  overlap: string | undefined,
  quarantine: string | undefined,
  records: () => Unready | undefined,
): Judgement {
  const faults = {
    [OVERLAPPING_CONDITION]: overlap,
    [EXHAUSTED_CONDITION]: exhaustedNote(pool),
    [QUARANTINED_CONDITION]: quarantine,
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

function planSubnet(
  subnet: SpiderSubnet,
  overlap: SubnetOverlap | undefined,
  told: readonly ToldQuarantine[],
  now: string,
): Plan {
  const quarantine = quarantineIn(subnet, told);
  const overlapping =
    overlap?.reason === NETWORK_OF_ANOTHER_SUBNET
      ? { reason: OVERLAPPING_CONDITION, message: overlap.message }
      : undefined;
  const judgement: Judgement = {
    ready: subnet.metadata.deletionTimestamp === undefined ? (unreadySubnet(subnet) ?? overlapping) : 'leave',
    [OVERLAPPING_CONDITION]: overlap,
    [EXHAUSTED_CONDITION]: exhaustedNote(subnet),
    [QUARANTINED_CONDITION]: quarantine?.note,
  };
  const actions = actionsFor(resources.spiderSubnets, subnet, changedConditions(subnet, judgement), now);
  return again(actions, endsIn(quarantine, Date.parse(now)));
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

interface Quarantine {
  readonly note: string;
  /** When the first of the addresses is used again. */
  readonly untilMs: number;
}

function quarantineIn(
  { spec }: SpiderIPPool | SpiderSubnet,
  told: readonly ToldQuarantine[],
): Quarantine | undefined {
  if (told.length === 0 || spec === undefined) return undefined;
  const addresses = storedNetwork(spec)?.addresses;
  const note = addresses && quarantineNote(addresses, told);
  if (addresses === undefined || note === undefined) return undefined;
  const ends = told.filter(({ address }) => addresses.contains(address)).map(({ untilMs }) => untilMs);
  return { note, untilMs: Math.min(...ends) };
}

function endsIn(quarantine: Quarantine | undefined, nowMs: number): number[] {
  return quarantine === undefined ? [] : [quarantine.untilMs - nowMs];
}
