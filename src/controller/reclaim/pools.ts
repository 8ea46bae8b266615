// Frees addresses that nobody holds any more. The key is the name of a pool.

import type { KubeObject, Pod, StatefulSet } from '#api';
import { type Clock, errorText, isOrbError, type Logger } from '#base';
import { keyOf } from '#kube';
import { machineOf, PoolLedger, recordOfClaim } from '#plan/ipam';
import type { RecordedAddress } from '#plan/reclaim';
import { type Reclaimer, recordsOf, refOfPod } from '#reclaim';
import type { Informers } from '#reconcile';
import type { AddressController, AddressState, claimKinds } from '../kinds.ts';
import type { Absences } from './absences.ts';
import { isAtWork, isEnding, isGone, poolsNaming, watchedSight } from './watched.ts';

export interface ReclaimControllerOptions {
  readonly reclaimer: Reclaimer;
  readonly absences: Absences;
  readonly clock: Clock;
  readonly log: Logger;
  readonly claims: Informers<typeof claimKinds>;
  /** How often every record is judged, also without a reason. */
  readonly scanIntervalMs: number;
}

/** A record that the server did not let go is not asked about again earlier, unless its time comes. */
const LOOK_AGAIN_MS = 30_000;

export function poolReclaimController(options: ReclaimControllerOptions): AddressController {
  const pools = new PoolReclaim(options);
  return {
    name: 'address-reclaim',
    workers: 4,
    concerns: (kind, object, state) => {
      // A deletion changes what fixed addresses are kept for.
      if (kind === 'pools')
        return object.metadata.deletionTimestamp === undefined ? [] : [object.metadata.name ?? ''];
      if (kind === 'pods') return pools.ofPod(object as Pod, state);
      if (kind === 'statefulSets') return pools.ofStatefulSet(object as StatefulSet, state);
      // The addresses of a node that is gone need no patience.
      if (kind === 'nodes' && state.nodes.get(object.metadata.name ?? '') === undefined) {
        pools.lookAgain();
        return state.pools.list().map(({ metadata }) => metadata.name ?? '');
      }
      return [];
    },
    outside: (changed, state) => {
      const end = options.claims.subscribe((_, { type, object }) => {
        if (type !== 'deleted' && object.metadata.deletionTimestamp === undefined) return;
        for (const name of pools.ofEndedClaim(object, state)) changed(name);
      });
      return () => {
        end();
        // A new leader scans at once.
        pools.forget();
      };
    },
    timed: (state) => pools.due(state),
    plan: (name, state, _, signal) => pools.plan(name, state, signal),
  };
}

/** When records of a pool that were kept are asked about again, by address and UID (milliseconds since 1970). */
type Looks = ReadonlyMap<string, number>;

class PoolReclaim {
  readonly #options: ReclaimControllerOptions;
  readonly #scannedMs = new Map<string, number>();
  readonly #ledgers = new Map<string, PoolLedger>();
  /** What decides which ordinals a StatefulSet claims. */
  readonly #claims = new Map<string, string>();
  readonly #nextLooks = new Map<string, Looks>();

  constructor(options: ReclaimControllerOptions) {
    this.#options = options;
  }

  forget(): void {
    this.#scannedMs.clear();
    this.lookAgain();
  }

  /** Records that were kept are asked about again without waiting. */
  lookAgain(): void {
    this.#nextLooks.clear();
  }

  ofPod(pod: Pod, state: AddressState): string[] {
    const gone = isGone(pod, state);
    if (!gone && !isEnding(pod)) return [];
    const names = poolsNaming(pod.metadata.uid ?? '', state);
    if (gone && names.length > 0) this.#options.absences.note(pod, this.#options.clock.now());
    // The record of a machine may name another pod of it.
    const machine = machineOf(pod);
    return machine === undefined ? names : [...names, ...poolsNaming(`"${machine}"`, state)];
  }

  ofStatefulSet(object: StatefulSet, state: AddressState): string[] {
    const key = keyOf(object);
    const { namespace, name = '' } = object.metadata;
    const now = state.statefulSets.get(name, namespace);
    const claim =
      now && JSON.stringify([now.metadata.deletionTimestamp, now.spec?.replicas, now.spec?.ordinals]);
    const before = this.#claims.get(key);
    if (claim === before) return [];
    if (claim === undefined) this.#claims.delete(key);
    else this.#claims.set(key, claim);
    return before === undefined ? [] : poolsNaming(`"${key}-`, state);
  }

  /** The pools with addresses of an IPAMClaim that is gone, or is being deleted. */
  ofEndedClaim({ metadata: { namespace = '', name = '' } }: KubeObject, state: AddressState): string[] {
    return poolsNaming(`"${recordOfClaim(namespace, name)}"`, state);
  }

  /** Pools that were not looked through for an interval. */
  due(state: AddressState): string[] {
    const dueMs = this.#options.clock.monotonic() - this.#options.scanIntervalMs;
    return state.pools
      .list()
      .map(({ metadata }) => metadata.name ?? '')
      .filter((name) => (this.#scannedMs.get(name) ?? Number.NEGATIVE_INFINITY) <= dueMs);
  }

  async plan(name: string, state: AddressState, signal: AbortSignal) {
    const { clock, absences, reclaimer } = this.#options;
    const nowMs = clock.now();
    const ledger = this.#ledger(name, state);
    this.#scannedMs.set(name, clock.monotonic());
    if (ledger === undefined) {
      this.#nextLooks.delete(name);
      return [];
    }
    const sight = watchedSight(state, this.#options.claims.state);
    const absence = (uid: string) => absences.of(uid, nowMs);
    const untilMs: number[] = [];
    const candidates: RecordedAddress[] = [];
    const looks: Looks = this.#nextLooks.get(name) ?? new Map<string, number>();
    const nextLooks = new Map<string, number>();
    for (const record of recordsOf(ledger)) {
      const pod = sight.pod(record.podUid, refOfPod(record.pod));
      if (pod !== undefined && isAtWork(pod)) continue;
      const nextMs = looks.get(lookKey(record)) ?? 0;
      // The node is not asked yet: what it may say at best makes a candidate.
      const { verdict } = await reclaimer.judge(record, { sight, absence, askNode: async () => 'gone' });
      if (verdict.action === 'wait') untilMs.push(verdict.untilMs);
      else if (verdict.action === 'free' && nextMs <= nowMs) candidates.push(record);
      else if (verdict.action === 'free') {
        untilMs.push(nextMs);
        nextLooks.set(lookKey(record), nextMs);
      }
    }
    const knowledge = { absence, podWithUid: (uid: string) => sight.podWithUid(uid) };
    for (const { record, verdict, freed } of await reclaimer.reclaim(name, candidates, knowledge, signal)) {
      if (freed) continue;
      const laterMs = nowMs + LOOK_AGAIN_MS;
      const nextMs = verdict.action === 'wait' ? Math.min(verdict.untilMs, laterMs) : laterMs;
      nextLooks.set(lookKey(record), nextMs);
      untilMs.push(nextMs);
    }
    this.#nextLooks.set(name, nextLooks);
    if (untilMs.length === 0) return [];
    return { actions: [], againAfterMs: Math.max(0, Math.min(...untilMs) - clock.now()) };
  }

  /** Undefined if the pool is gone, or cannot be read: its condition says so, and its records stay. */
  #ledger(name: string, state: AddressState): PoolLedger | undefined {
    const object = state.pools.get(name);
    const before = this.#ledgers.get(name);
    this.#ledgers.delete(name);
    if (object === undefined) return undefined;
    try {
      const ledger = PoolLedger.read(object, before);
      this.#ledgers.set(name, ledger);
      return ledger;
    } catch (error) {
      if (!isOrbError(error)) throw error;
      this.#options.log.warn({ pool: name, error: errorText(error) }, 'no address of this pool is reclaimed');
      return undefined;
    }
  }
}

function lookKey({ address, podUid }: RecordedAddress): string {
  return `${address} ${podUid}`;
}
