// The newest known state of every pool: what the watch shows, and what was written or read since.

import type { SpiderIPPool } from '#api';
import { PoolIndex } from '#plan/subnet';

/** What the watch shows. */
export interface WatchedPools {
  get(name: string): SpiderIPPool | undefined;
  list(): SpiderIPPool[];
}

/** The watch is told of each change by {@link NewestPools.watched}. */
export class NewestPools {
  readonly #watched: WatchedPools;
  /** Pools that were seen before the watch has shown them. */
  readonly #ahead = new Map<string, SpiderIPPool>();
  /** UIDs of pools that are gone, which the watch still shows. */
  readonly #gone = new Set<string>();
  #list: SpiderIPPool[] | undefined;
  #index: PoolIndex | undefined;

  constructor(watched: WatchedPools) {
    this.#watched = watched;
  }

  get(name: string): SpiderIPPool | undefined {
    const pool = newer(this.#watched.get(name), this.#ahead.get(name));
    return pool === undefined || this.#gone.has(uidOf(pool)) ? undefined : pool;
  }

  list(): SpiderIPPool[] {
    if (this.#list === undefined) {
      const names = new Set([...this.#watched.list().map(nameOf), ...this.#ahead.keys()]);
      this.#list = [...names].flatMap((name) => this.get(name) ?? []);
    }
    return this.#list;
  }

  get index(): PoolIndex {
    this.#index ??= new PoolIndex(this.list());
    return this.#index;
  }

  /** The server has shown the pool, as the answer to a write or a read. */
  show(pool: SpiderIPPool): void {
    const known = this.get(nameOf(pool));
    if (known !== undefined && newer(known, pool) === known) return;
    this.#ahead.set(nameOf(pool), pool);
    this.#forget();
  }

  /** The server has said that the pool is gone. */
  gone(pool: SpiderIPPool): void {
    this.#ahead.delete(nameOf(pool));
    if (this.#watched.get(nameOf(pool))?.metadata.uid === pool.metadata.uid) this.#gone.add(uidOf(pool));
    this.#forget();
  }

  /** The watch has shown a change of the pool. */
  watched(pool: SpiderIPPool, isDeleted: boolean): void {
    const ahead = this.#ahead.get(nameOf(pool));
    if (
      ahead !== undefined &&
      (isDeleted ? ahead.metadata.uid === pool.metadata.uid : newer(pool, ahead) === pool)
    ) {
      this.#ahead.delete(nameOf(pool));
    }
    if (isDeleted) this.#gone.delete(uidOf(pool));
    this.#forget();
  }

  #forget(): void {
    this.#list = undefined;
    this.#index = undefined;
  }
}

/** The newer one. The first, if both are the same version. Versions of one kind compare as numbers (KEP-5504). */
function newer(a: SpiderIPPool | undefined, b: SpiderIPPool | undefined): SpiderIPPool | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return versionOf(b) > versionOf(a) ? b : a;
}

function versionOf({ metadata }: SpiderIPPool): bigint {
  return BigInt(metadata.resourceVersion ?? 0);
}

function nameOf({ metadata }: SpiderIPPool): string {
  return metadata.name ?? '';
}

function uidOf({ metadata }: SpiderIPPool): string {
  return metadata.uid ?? '';
}
