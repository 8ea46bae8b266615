// All pools of the cluster. Valid pools are parsed. Invalid pools have the error that makes them invalid.

import type { SpiderIPPool } from '#api';
import { isOrbError, type OrbError } from '#base';
import type { Family } from '#ip';
import { type Pool, parsePool } from './pool.ts';

/** Pools by name. Each pool is in exactly one of the two maps. */
export interface PoolCatalog {
  readonly pools: ReadonlyMap<string, Pool>;
  /** Pools with an invalid spec. If a pod names one, it gets this error. */
  readonly broken: ReadonlyMap<string, OrbError>;
}

export function catalogPools(objects: Iterable<SpiderIPPool>): PoolCatalog {
  const pools = new Map<string, Pool>();
  const broken = new Map<string, OrbError>();
  for (const object of objects) {
    const name = object.metadata.name ?? '';
    try {
      pools.set(name, parsePool(object));
    } catch (error) {
      if (!isOrbError(error, 'IPPOOL_INVALID')) throw error;
      broken.set(name, error);
    }
  }
  return { pools, broken };
}

/** The pools of the family that fit, in the order in which they are tried if the user gave none. */
export function poolsWhere(catalog: PoolCatalog, family: Family, fits: (pool: Pool) => boolean): Pool[] {
  const found = [...catalog.pools.values()].filter((pool) => pool.family === family && fits(pool));
  return found.toSorted(byPriority);
}

/**
 * Spiderpool's priority (ByPoolPriority): the pool that selects its users more precisely comes first. Spiderpool leaves
 * ties to chance. We order ties by name.
 */
function byPriority(a: Pool, b: Pool): number {
  const difference = closeness(b).findIndex((has, index) => has !== closeness(a)[index]);
  if (difference >= 0) return closeness(a)[difference] ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function closeness({ audience }: Pool): boolean[] {
  const listed = (list: readonly string[] | undefined) => list !== undefined && list.length > 0;
  return [
    audience.podAffinity !== undefined,
    listed(audience.nodeName),
    audience.nodeAffinity !== undefined,
    listed(audience.namespaceName),
    audience.namespaceAffinity !== undefined,
    listed(audience.multusName),
  ];
}
