// The allocator's counters, with the names that Spiderpool's documents and dashboards use.

import { Counter, type Registry } from 'prom-client';
import type { IpamMetrics } from '../ipam/index.ts';
import { durations } from './durations.ts';

/** Spiderpool's error counter for each error code. Every other code counts as internal. */
const errorKinds: Readonly<Record<string, string>> = {
  IPPOOL_NOT_FOUND: 'no_available_pool',
  IPPOOL_UNSUITABLE: 'no_available_pool',
  IPPOOL_EXHAUSTED: 'ip_used_out',
  DEADLINE_PASSED: 'retries_exhausted',
};

/** The allocator's, and how long ADDs and DELs of the type that gives addresses waited for their turn. */
export interface AgentIpamMetrics extends IpamMetrics {
  /** `allocation_limit_duration_seconds`, `release_limit_duration_seconds`. */
  waited(verb: 'ADD' | 'DEL', seconds: number): void;
}

export function ipamMetrics(registry: Registry): AgentIpamMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) =>
    new Counter({ name: `spiderpool_ipam_${name}`, help, registers });
  const duration = (name: string, help: string) => durations(registry, `spiderpool_ipam_${name}`, help);
  const allocations = counter('allocation_counts', 'Requested allocations');
  const allocationFailures = counter('allocation_failure_counts', 'Allocations refused');
  const allocationSeconds = duration('allocation', 'Duration of an allocation');
  const allocationWait = duration('allocation_limit', 'Time that an ADD waited for its turn');
  const allocationErrors = new Map(
    [...new Set(['internal', ...Object.values(errorKinds)])].map((kind) => [
      kind,
      counter(`allocation_err_${kind}_counts`, `Refused allocations: ${kind.replaceAll('_', ' ')}`),
    ]),
  );
  const releases = counter('release_counts', 'Requested releases');
  const releaseFailures = counter('release_failure_counts', 'Failed releases');
  const releaseSeconds = duration('release', 'Duration of a release');
  const releaseWait = duration('release_limit', 'Time that a DEL waited for its turn');
  const releaseErrors = {
    internal: counter('release_err_internal_counts', 'Failed releases: internal'),
    retriesExhausted: counter('release_err_retries_exhausted_counts', 'Failed releases: retries exhausted'),
  };
  const conflicts = {
    allocation: counter(
      'allocation_update_ippool_conflict_counts',
      'Pool writes that conflicted with a newer version: allocation',
    ),
    release: counter(
      'release_update_ippool_conflict_counts',
      'Pool writes that conflicted with a newer version: release',
    ),
  };
  const writes = new Counter({
    name: 'orbweaver_ipam_pool_writes_total',
    help: 'Writes of a pool status',
    registers,
  });
  const led = new Counter({
    name: 'orbweaver_ipam_led_operations_total',
    help: 'Allocations and releases that the leading controller wrote for this agent',
    registers,
  });
  const operations = new Counter({
    name: 'orbweaver_ipam_pool_operations_total',
    help: 'Allocations and releases in those writes',
    registers,
  });
  return {
    allocated(seconds) {
      allocations.inc();
      allocationSeconds(seconds);
    },
    allocationFailed(code, seconds) {
      allocations.inc();
      allocationFailures.inc();
      allocationSeconds(seconds);
      allocationErrors.get(errorKinds[code] ?? 'internal')?.inc();
    },
    released(seconds) {
      releases.inc();
      releaseSeconds(seconds);
    },
    releaseFailed(code, seconds) {
      releases.inc();
      releaseFailures.inc();
      releaseErrors[errorKinds[code] === 'retries_exhausted' ? 'retriesExhausted' : 'internal'].inc();
      releaseSeconds(seconds);
    },
    waited(verb, seconds) {
      (verb === 'ADD' ? allocationWait : releaseWait)(seconds);
    },
    conflicted(verb) {
      conflicts[verb].inc();
    },
    wrote(count) {
      writes.inc();
      operations.inc(count);
    },
    led() {
      led.inc();
    },
  };
}
