// The allocator's counters, with the names that Spiderpool's documents and dashboards use.

import { Counter, Histogram, type Registry } from 'prom-client';
import type { IpamMetrics } from '../ipam/index.ts';

/** Spiderpool's error counter for each error code. Every other code counts as internal. */
const errorKinds: Readonly<Record<string, string>> = {
  IPPOOL_NOT_FOUND: 'no_available_pool',
  IPPOOL_UNSUITABLE: 'no_available_pool',
  IPPOOL_EXHAUSTED: 'ip_used_out',
  DEADLINE_PASSED: 'retries_exhausted',
};

const bucketSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 1, 3, 5, 10, 15];

export function ipamMetrics(registry: Registry): IpamMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) =>
    new Counter({ name: `spiderpool_ipam_${name}`, help, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `spiderpool_ipam_${name}`, help, buckets: bucketSeconds, registers });
  const allocations = counter('allocation_counts', 'Requested allocations');
  const allocationFailures = counter('allocation_failure_counts', 'Allocations refused');
  const allocationSeconds = histogram('allocation_duration_seconds', 'Duration of an allocation');
  const allocationErrors = new Map(
    [...new Set(['internal', ...Object.values(errorKinds)])].map((kind) => [
      kind,
      counter(`allocation_err_${kind}_counts`, `Refused allocations: ${kind.replaceAll('_', ' ')}`),
    ]),
  );
  const releases = counter('release_counts', 'Requested releases');
  const releaseFailures = counter('release_failure_counts', 'Failed releases');
  const releaseSeconds = histogram('release_duration_seconds', 'Duration of a release');
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
      allocationSeconds.observe(seconds);
    },
    allocationFailed(code, seconds) {
      allocations.inc();
      allocationFailures.inc();
      allocationSeconds.observe(seconds);
      allocationErrors.get(errorKinds[code] ?? 'internal')?.inc();
    },
    released(seconds) {
      releases.inc();
      releaseSeconds.observe(seconds);
    },
    releaseFailed(_code, seconds) {
      releases.inc();
      releaseFailures.inc();
      releaseSeconds.observe(seconds);
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
