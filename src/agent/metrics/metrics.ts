// What the agent measures. Metrics that Spiderpool documents have Spiderpool's names.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { IpamMetrics } from '../ipam/index.ts';
import type { RepairMetrics } from '../repair/index.ts';
import type { VerbMetrics } from '../verbs.ts';
import { ipamMetrics } from './ipam-metrics.ts';
import { repairMetrics } from './repair-metrics.ts';

/** Spiderpool's buckets start at 100 ms, which is longer than most of our requests take. Finer buckets come first. */
const bucketSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 1, 3, 5, 10, 15];

/** What runs and what waits at the moment of the call. */
export interface Load {
  readonly running: () => number;
  readonly waiting: () => number;
  /** Requests that do not end, although their time is over. */
  readonly stuck: () => number;
  readonly queuedDels: () => number;
}

/** The agent's registry. Each thing that is counted has its own method. */
export class AgentMetrics implements VerbMetrics {
  readonly registry = new Registry();
  readonly ipam: IpamMetrics;
  readonly repair: RepairMetrics;
  readonly #verbs: Counter<'type' | 'verb' | 'outcome'>;
  readonly #verbSeconds: Histogram<'type' | 'verb'>;
  readonly #conflicts: Counter<'outcome'>;

  constructor(load: Load) {
    const registers = [this.registry];
    // The default setting wakes an idle agent every 10 ms to measure the delay of the event loop.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
    this.ipam = ipamMetrics(this.registry);
    this.repair = repairMetrics(this.registry);
    this.#verbs = new Counter({
      name: 'orbweaver_cni_requests_total',
      help: 'Answered CNI requests',
      labelNames: ['type', 'verb', 'outcome'],
      registers,
    });
    this.#verbSeconds = new Histogram({
      name: 'orbweaver_cni_request_duration_seconds',
      help: 'Time from a request on the socket to its answer, including the wait',
      labelNames: ['type', 'verb'],
      buckets: bucketSeconds,
      registers,
    });
    this.#conflicts = new Counter({
      name: 'orbweaver_address_conflicts_total',
      help: 'Addresses that probes found in use by another machine',
      labelNames: ['outcome'],
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge('orbweaver_cni_requests_running', 'CNI requests that are running', load.running);
    gauge('orbweaver_cni_requests_waiting', 'CNI requests that are waiting', load.waiting);
    gauge(
      'orbweaver_cni_requests_stuck',
      'CNI requests that do not end although their time is over; restart the agent to end them',
      load.stuck,
    );
    gauge('orbweaver_del_queue_length', 'DELs in the queue on disk', load.queuedDels);
  }

  served(type: string, verb: string, outcome: 'ok' | 'error', seconds: number): void {
    this.#verbs.inc({ type, verb, outcome });
    this.#verbSeconds.observe({ type, verb }, seconds);
  }

  addressConflict(outcome: 'quarantined' | 'kept'): void {
    this.#conflicts.inc({ outcome });
  }
}
