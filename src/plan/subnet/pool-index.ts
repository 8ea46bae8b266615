// All pools of the cluster, found by application, by name and by subnet. Built once for many plans.

import type { SpiderIPPool } from '#api';
import { AddressSet, cidrsOverlap } from '#ip';
import type { PoolNetwork } from '#plan/ipam';
import { type ApplicationName, applicationKey } from './application.ts';
import { applicationOf, isAutomatic, isPoolOf } from './auto-pool.ts';
import { labelValue } from './pool-name.ts';
import { networkOfPool } from './pool-write.ts';
import type { SubnetLedger } from './subnet-ledger.ts';

export class PoolIndex {
  readonly #byName: ReadonlyMap<string, SpiderIPPool>;
  readonly #byApplication: ReadonlyMap<string, readonly SpiderIPPool[]>;
  readonly #networks = new Map<SpiderIPPool, PoolNetwork | undefined>();
  readonly #byHand = new Map<string, AddressSet>();

  constructor(pools: Iterable<SpiderIPPool>) {
    this.#byName = new Map(Array.from(pools, (pool) => [pool.metadata.name ?? '', pool]));
    this.#byApplication = Map.groupBy(
      [...this.#byName.values()].filter(isAutomatic).sort(byName),
      applicationOf,
    );
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  get(name: string): SpiderIPPool | undefined {
    return this.#byName.get(name);
  }

  /** The automatic pools of all lives of the application, by name. */
  of(application: ApplicationName): readonly SpiderIPPool[] {
    const key = applicationKey({ ...application, name: labelValue(application.name) });
    return (this.#byApplication.get(key) ?? []).filter((pool) => isPoolOf(pool, application));
  }

  /** The pools whose network is that of the subnet. Pools of other networks cannot have its addresses. */
  in({ network }: SubnetLedger): SpiderIPPool[] {
    return [...this.#byName.values()].filter((pool) => {
      const theirs = this.network(pool);
      return theirs !== undefined && cidrsOverlap(theirs.subnet, network.subnet);
    });
  }

  /** The addresses of pools that users wrote. */
  byHand(ledger: SubnetLedger): AddressSet {
    const known = this.#byHand.get(ledger.name);
    if (known !== undefined) return known;
    const ranges = this.in(ledger)
      .filter((pool) => !isAutomatic(pool))
      .flatMap((pool) => this.network(pool)?.addresses.ranges ?? []);
    const found = AddressSet.of(ledger.family, ranges);
    this.#byHand.set(ledger.name, found);
    return found;
  }

  network(pool: SpiderIPPool): PoolNetwork | undefined {
    if (!this.#networks.has(pool)) this.#networks.set(pool, networkOfPool(pool));
    return this.#networks.get(pool);
  }
}

function byName(a: SpiderIPPool, b: SpiderIPPool): number {
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
