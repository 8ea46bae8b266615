// The newest copy of one pool that this program has seen, from its watch, from a read or from its own write.

import { resources, type SpiderIPPool } from '#api';
import { type Clock, isOrbError, OrbError } from '#base';
import type { KubeClient } from '#kube';
import { PoolLedger, type PoolOperation, type PoolOutcome, recordsMayName } from '#plan/ipam';
import { Ahead } from './ahead.ts';

/** An object with its parsed records. */
export interface PoolState {
  readonly object: SpiderIPPool;
  readonly ledger: PoolLedger;
}

/** Called with each newer state and the state before it. This shows released addresses, whoever released them. */
export type StateListener = (before: PoolLedger, after: PoolLedger) => void;

/** Reading the records of a large pool takes milliseconds. A busy pool changes 50 times a second. */
const FRESH_MS = 250;

export class PoolCopy {
  readonly name: string;
  readonly #client: KubeClient;
  readonly #watched: () => SpiderIPPool | undefined;
  readonly #listener: StateListener;
  readonly #clock: Clock;
  #state: PoolState | undefined;
  /** The resource version at which the server said that the pool is gone. The watch may not know yet. */
  #goneAt = 0n;
  #doubtful = false;
  #ahead: Ahead | undefined;
  /** When the state was taken over. */
  #adoptedMs = Number.NEGATIVE_INFINITY;

  constructor(
    name: string,
    client: KubeClient,
    watched: () => SpiderIPPool | undefined,
    listener: StateListener,
    clock: Clock,
  ) {
    this.name = name;
    this.#client = client;
    this.#watched = watched;
    this.#listener = listener;
    this.#clock = clock;
  }

  /**
   * The newest known state, without a request. Throws IPPOOL_NOT_FOUND if there is none. Also throws if the pool cannot
   * be read.
   */
  get newest(): PoolState {
    const watched = this.#newlyWatched;
    if (watched !== undefined) return this.#keep(watched);
    if (this.#state === undefined) throw this.#notFound();
    return this.#state;
  }

  /** What the watch shows, if it is newer than the state. */
  get #newlyWatched(): SpiderIPPool | undefined {
    const watched = this.#watched();
    const known = this.#state === undefined ? this.#goneAt : versionOf(this.#state.object);
    return watched !== undefined && versionOf(watched) > known ? watched : undefined;
  }

  /** Whether {@link PoolCopy.newestLedger} may name the text. The records are not read for the answer. */
  mayName(text: string): boolean {
    const object = this.#newlyWatched ?? this.#state?.object;
    if (object === undefined) return false;
    this.#dropSeen(object);
    return this.#ahead !== undefined || recordsMayName(object, text);
  }

  /**
   * The known records, with what {@link PoolCopy.learn} told. While another program writes for this agent, those of
   * others may be {@link FRESH_MS} old. Throws as {@link PoolCopy.newest} does.
   */
  get ledger(): PoolLedger {
    const isFresh = this.#ahead !== undefined && this.#clock.monotonic() - this.#adoptedMs < FRESH_MS;
    if (!isFresh || this.#state === undefined) return this.newestLedger;
    return this.#over(this.#state);
  }

  /** As {@link PoolCopy.ledger}, with the newest records of others that the watch has. */
  get newestLedger(): PoolLedger {
    const state = this.newest;
    this.#dropSeen(state.object);
    return this.#over(state);
  }

  #over({ object, ledger }: PoolState): PoolLedger {
    return this.#ahead === undefined ? ledger : this.#ahead.over(ledger, versionOf(object));
  }

  /** Whether the server has a newer version than {@link PoolCopy.newest}, as far as is known. */
  get isBehind(): boolean {
    this.#dropSeen(this.newest.object);
    return this.#ahead !== undefined;
  }

  /** What the object shows need not be remembered. */
  #dropSeen(object: SpiderIPPool): void {
    if (this.#ahead !== undefined && this.#ahead.version <= versionOf(object)) this.#ahead = undefined;
  }

  /** Another program has done the operation for this agent. `resourceVersion` is a version that shows it. */
  learn(operation: PoolOperation, outcome: PoolOutcome, resourceVersion: string): void {
    this.#ahead ??= new Ahead();
    this.#ahead.add(operation, outcome, BigInt(resourceVersion));
  }

  /** The outcome of a write is unknown, and nothing was read since. */
  get doubtful(): boolean {
    return this.#doubtful;
  }

  /** Reads the pool from the server. */
  async read(): Promise<PoolState> {
    try {
      const object = await this.#client.get(resources.spiderIPPools, { name: this.name });
      this.#doubtful = false;
      return this.#keep(object);
    } catch (error) {
      if (isOrbError(error, 'KUBE_NOT_FOUND')) throw this.#gone();
      throw error;
    }
  }

  /**
   * Writes the records of `ledger`, which was derived from `base`. Throws KUBE_CONFLICT if `base` is not the newest any
   * more.
   */
  async write(base: PoolState, ledger: PoolLedger): Promise<void> {
    const { allocatedIPs: _, ...rest } = base.object.status ?? {};
    const status = { ...rest, ...ledger.status };
    const object = await this.#put({ ...base.object, status });
    // The server accepted the write for this base version. The spec is therefore the one the ledger knows, and no new
    // read is needed.
    this.#adopt({ object, ledger });
  }

  async #put(object: SpiderIPPool): Promise<SpiderIPPool> {
    try {
      return await this.#client.updateStatus(resources.spiderIPPools, object);
    } catch (error) {
      if (isOrbError(error, 'KUBE_NOT_FOUND')) throw this.#gone();
      this.#doubtful = !isOrbError(error, 'KUBE_CONFLICT');
      throw error;
    }
  }

  #gone(): OrbError {
    const watched = this.#watched();
    const versions = [watched, this.#state?.object].flatMap((object) =>
      object === undefined ? [] : versionOf(object),
    );
    for (const version of versions) if (version > this.#goneAt) this.#goneAt = version;
    this.#state = undefined;
    this.#ahead = undefined;
    this.#doubtful = false;
    return this.#notFound();
  }

  #keep(object: SpiderIPPool): PoolState {
    const before = this.#state;
    if (before?.object.metadata.resourceVersion === object.metadata.resourceVersion && before !== undefined)
      return before;
    return this.#adopt({ object, ledger: PoolLedger.read(object, before?.ledger) });
  }

  #adopt(state: PoolState): PoolState {
    const before = this.#state;
    this.#state = state;
    this.#adoptedMs = this.#clock.monotonic();
    if (before !== undefined) this.#listener(before.ledger, state.ledger);
    return state;
  }

  #notFound(): OrbError {
    const message = `spiderippools.spiderpool.spidernet.io "${this.name}" not found`;
    return new OrbError('IPPOOL_NOT_FOUND', { message, subject: `SpiderIPPool ${this.name}` });
  }
}

/**
 * Versions of one kind compare as numbers (KEP-5504). A pool that is created again under the same name continues the
 * count.
 */
function versionOf(object: SpiderIPPool): bigint {
  return BigInt(object.metadata.resourceVersion ?? 0);
}
