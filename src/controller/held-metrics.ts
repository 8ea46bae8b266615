// How many addresses of each pool the pods of each namespace hold. Pods have series on the agent of their node alone: a
// cluster has too many of them.

import { Gauge, type Registry } from 'prom-client';
import { parseJson, type SpiderIPPool } from '#api';
import { isOrbError } from '#base';

/** Above so many series, the rest of each pool is one series with an empty namespace. */
export const MOST_SERIES = 2_000;

/** By namespace. An object of the informers never changes, so its records are parsed once. */
const counted = new WeakMap<SpiderIPPool, ReadonlyMap<string, number>>();

export function addHeldMetrics(registry: Registry, pools: () => readonly SpiderIPPool[]): void {
  new Gauge({
    name: 'orbweaver_pool_held_addresses',
    help: 'Addresses of a pool that pods of a namespace hold',
    labelNames: ['pool', 'namespace'],
    registers: [registry],
    collect() {
      this.reset();
      let series = 0;
      for (const pool of pools().toSorted(byName)) {
        const { name = '' } = pool.metadata;
        for (const [namespace, count] of heldByNamespace(pool)) {
          series += 1;
          this.inc({ pool: name, namespace: series > MOST_SERIES ? '' : namespace }, count);
        }
      }
    },
  });
}

function byName(a: SpiderIPPool, b: SpiderIPPool): number {
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

function heldByNamespace(pool: SpiderIPPool): ReadonlyMap<string, number> {
  const known = counted.get(pool);
  if (known !== undefined) return known;
  const counts = new Map<string, number>();
  for (const record of recordsIn(pool.status?.allocatedIPs ?? '')) {
    const pod = (record as { pod?: unknown } | null)?.pod;
    const namespace = typeof pod === 'string' ? pod.slice(0, Math.max(0, pod.indexOf('/'))) : '';
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  const sorted = new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  counted.set(pool, sorted);
  return sorted;
}

/** Records that cannot be read are counted as none: the condition `Ready` of the pool says so. */
function recordsIn(text: string): unknown[] {
  if (text === '') return [];
  try {
    return Object.values((parseJson(text, { subject: 'status.allocatedIPs' }) ?? {}) as object);
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return [];
    throw error;
  }
}
