// What the controller measures.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolMetrics } from '#pools';
import type { ReclaimMetrics } from '#reclaim';
import type { ReconcileMetrics, WorkResult } from '#reconcile';
import { type AddressUse, addUseMetrics } from './use-metrics.ts';

const BUCKET_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15];

/** What the metrics read when they are scraped. */
export interface ControllerLoad {
  /** Keys that wait for a worker, by the name of the controller. */
  readonly waiting: () => ReadonlyMap<string, number>;
  /** Objects that are followed, by the name of their kind. */
  readonly objects: () => ReadonlyMap<string, number>;
  readonly use: AddressUse;
}

/** The controller's registry. */
export class ControllerMetrics implements ReconcileMetrics, PoolMetrics {
  readonly registry = new Registry();
  /** Under the names that Spiderpool's documents and dashboards use. */
  readonly reclaim: ReclaimMetrics;
  readonly #worked: Counter<'controller' | 'result'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #leader: Gauge<'lease'>;
  readonly #conflicts: Counter<'verb'>;
  readonly #writes: Counter;
  readonly #operations: Counter;

  constructor(load: ControllerLoad) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
    this.#worked = new Counter({
      name: 'orbweaver_reconcile_total',
      help: 'Keys that a controller worked on, by how the work ended',
      labelNames: ['controller', 'result'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'orbweaver_reconcile_duration_seconds',
      help: 'Time that a controller needed for a key',
      labelNames: ['controller'],
      buckets: BUCKET_SECONDS,
      registers,
    });
    this.#leader = new Gauge({
      name: 'orbweaver_leader',
      help: 'Whether this program leads: 1 or 0',
      labelNames: ['lease'],
      registers,
    });
    this.reclaim = reclaimMetrics(this.registry);
    addUseMetrics(this.registry, load.use);
    this.#conflicts = new Counter({
      name: 'orbweaver_pool_conflicts_total',
      help: 'Writes of a pool status that conflicted with a newer version',
      labelNames: ['verb'],
      registers,
    });
    this.#writes = new Counter({
      name: 'orbweaver_pool_writes_total',
      help: 'Writes of a pool status for agents',
      registers,
    });
    this.#operations = new Counter({
      name: 'orbweaver_pool_operations_total',
      help: 'Allocations and releases of agents in those writes',
      registers,
    });
    readGauge(
      this.registry,
      'orbweaver_reconcile_waiting',
      'Keys that wait for a worker',
      'controller',
      load.waiting,
    );
    readGauge(this.registry, 'orbweaver_followed_objects', 'Objects that are followed', 'kind', load.objects);
  }

  worked(controller: string, result: WorkResult, seconds: number): void {
    this.#worked.inc({ controller, result });
    this.#seconds.observe({ controller }, seconds);
  }

  conflicted(verb: 'allocation' | 'release'): void {
    this.#conflicts.inc({ verb });
  }

  wrote(operations: number): void {
    this.#writes.inc();
    this.#operations.inc(operations);
  }

  leads(lease: string, leads: boolean): void {
    this.#leader.set({ lease }, leads ? 1 : 0);
  }
}

function reclaimMetrics(registry: Registry): ReclaimMetrics {
  const registers = [registry];
  const freed = new Counter({
    name: 'spiderpool_ip_gc_counts',
    help: 'Addresses freed because nobody held them',
    registers,
  });
  const failures = new Counter({
    name: 'spiderpool_ip_gc_failure_counts',
    help: 'Writes of reclaiming that failed; they are tried again',
    registers,
  });
  const conflicts = new Counter({
    name: 'spiderpool_ipam_release_update_ippool_conflict_counts',
    help: 'Pool writes that conflicted with a newer version',
    registers,
  });
  return {
    freed: (addresses) => freed.inc(addresses),
    failed: () => failures.inc(),
    conflicted: () => conflicts.inc(),
  };
}

/** A gauge with one label, whose values are read when it is scraped. */
function readGauge(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => ReadonlyMap<string, number>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, number] of read()) this.set({ [label]: value }, number);
    },
  });
}
