// What the agent measures. Metrics that Spiderpool documents have Spiderpool's names.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RepairMetrics } from '../repair/index.ts';
import type { VerbMetrics } from '../verbs.ts';
import { bucketSeconds } from './durations.ts';
import { type AgentIpamMetrics, ipamMetrics } from './ipam-metrics.ts';
import { addPodMetrics, type CountedAttachment } from './pod-metrics.ts';
import { repairMetrics } from './repair-metrics.ts';

/** The CNI type whose turns Spiderpool's names of waits tell: the one that gives addresses. */
const IPAM_TYPE = 'spiderpool';

/** What runs and what waits at the moment of the call. */
export interface Load {
  readonly running: () => number;
  readonly waiting: () => number;
  /** Requests that do not end, although their time is over. */
  readonly stuck: () => number;
  readonly queuedDels: () => number;
  readonly attachments: () => readonly CountedAttachment[];
  /** Bytes that the container may use; 0 without a limit. */
  readonly memoryLimit: () => number;
  readonly nearMemoryLimit: () => boolean;
  /** Whether the container runtime looks for CNI files in other folders. */
  readonly foldersDiffer: () => boolean;
  /** Whether a CNI file of the node cannot be put. */
  readonly filesMissing: () => boolean;
  /** Whether Services are served in socket calls. */
  readonly servesSockets: () => boolean;
  /** How many addresses with ports of Services the kernel knows for them. */
  readonly socketServiceEntries: () => number;
  /** How often sockets asked for a Service. */
  readonly socketServiceCounts: () => readonly SocketServiceCount[];
  /** Whether Services are served to packets. */
  readonly servesPackets: () => boolean;
  /** How many addresses with ports of Services have rules for packets. */
  readonly packetServiceEntries: () => number;
}

export interface SocketServiceCount {
  readonly protocol: string;
  readonly outcome: 'chosen' | 'refused';
  readonly count: number;
}

/** The agent's registry. Each thing that is counted has its own method. */
export class AgentMetrics implements VerbMetrics {
  readonly registry = new Registry();
  readonly ipam: AgentIpamMetrics;
  readonly repair: RepairMetrics;
  readonly #verbs: Counter<'type' | 'verb' | 'outcome'>;
  readonly #verbSeconds: Histogram<'type' | 'verb'>;
  readonly #conflicts: Counter<'outcome'>;
  readonly #filesPutBack: Counter;
  readonly #socketServicesFailures: Counter;
  readonly #endedSockets: Counter;
  readonly #packetServicesFailures: Counter;

  constructor(load: Load) {
    const registers = [this.registry];
    // The default setting wakes an idle agent every 10 ms to measure the delay of the event loop.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
    this.ipam = ipamMetrics(this.registry);
    this.repair = repairMetrics(this.registry);
    addPodMetrics(this.registry, load.attachments);
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
    // A counter that was never raised is a zero, and not nothing.
    for (const outcome of ['quarantined', 'kept'] as const) this.#conflicts.inc({ outcome }, 0);
    this.#filesPutBack = new Counter({
      name: 'orbweaver_node_files_put_back_total',
      help: 'CNI files of the node that had vanished or changed, and were put back',
      registers,
    });
    this.#socketServicesFailures = new Counter({
      name: 'orbweaver_socket_services_failures_total',
      help: 'Failures of serving Services in socket calls: tables that cannot be written, programs that cannot be attached',
      registers,
    });
    this.#packetServicesFailures = new Counter({
      name: 'orbweaver_packet_services_failures_total',
      help: 'Failures of serving Services to packets: rules that cannot be read or written',
      registers,
    });
    this.#endedSockets = new Counter({
      name: 'orbweaver_socket_services_ended_sockets_total',
      help: 'Connected UDP sockets that were ended because the backend of their Service is gone',
      registers,
    });
    // Of all Services together: a cluster may have thousands. `orbctl service list` tells each.
    new Counter({
      name: 'orbweaver_socket_services_sockets_total',
      help: 'Sockets that asked for a Service in socket calls, by whether they got a backend or were refused',
      labelNames: ['protocol', 'outcome'],
      registers,
      collect() {
        this.reset();
        for (const { count, ...labels } of load.socketServiceCounts()) this.inc(labels, count);
      },
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
    gauge('orbweaver_memory_limit_bytes', 'What the container may use; 0 without a limit', load.memoryLimit);
    gauge('orbweaver_memory_near_limit', '1 while the agent warns that its memory is near the limit', () =>
      Number(load.nearMemoryLimit()),
    );
    gauge(
      'orbweaver_cni_folders_differ',
      '1 while the container runtime looks for CNI files in other folders than the agent was told',
      () => Number(load.foldersDiffer()),
    );
    gauge('orbweaver_node_files_missing', '1 while a CNI file of the node cannot be put', () =>
      Number(load.filesMissing()),
    );
    gauge('orbweaver_socket_services_on', '1 while Services are served in socket calls', () =>
      Number(load.servesSockets()),
    );
    gauge(
      'orbweaver_socket_services_entries',
      'Addresses with ports of Services that socket calls know',
      load.socketServiceEntries,
    );
    gauge('orbweaver_packet_services_on', '1 while Services are served to packets', () =>
      Number(load.servesPackets()),
    );
    gauge(
      'orbweaver_packet_services_entries',
      'Addresses with ports of Services that have rules for packets',
      load.packetServiceEntries,
    );
  }

  waited(type: string, verb: string, seconds: number): void {
    if (type === IPAM_TYPE && (verb === 'ADD' || verb === 'DEL')) this.ipam.waited(verb, seconds);
  }

  served(type: string, verb: string, outcome: 'ok' | 'error', seconds: number): void {
    this.#verbs.inc({ type, verb, outcome });
    this.#verbSeconds.observe({ type, verb }, seconds);
  }

  filePutBack(): void {
    this.#filesPutBack.inc();
  }

  socketServicesFailed(): void {
    this.#socketServicesFailures.inc();
  }

  packetServicesFailed(): void {
    this.#packetServicesFailures.inc();
  }

  socketsEnded(count: number): void {
    this.#endedSockets.inc(count);
  }

  addressConflict(outcome: 'quarantined' | 'kept'): void {
    this.#conflicts.inc({ outcome });
  }
}
