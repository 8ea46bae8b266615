// What the allocator counts. The agent's metrics implement this port with the names that Spiderpool documents.

import { type AgentPoolMetrics, silentPoolMetrics } from '#pools';

/** Each method names the metric that it feeds, without the prefix `spiderpool_ipam_`. */
export interface IpamMetrics extends AgentPoolMetrics {
  /** `allocation_counts`, `allocation_duration_seconds`. */
  allocated(seconds: number): void;
  /** `allocation_counts`, `allocation_failure_counts` and the `allocation_err_*_counts` that fits the error's code. */
  allocationFailed(code: string, seconds: number): void;
  /** `release_counts`, `release_duration_seconds`. */
  released(seconds: number): void;
  /** `release_counts`, `release_failure_counts` and the `release_err_*_counts` that fits the error's code. */
  releaseFailed(code: string, seconds: number): void;
  /** `allocation_update_ippool_conflict_counts`, or `release_update_ippool_conflict_counts`. */
  conflicted(verb: 'allocation' | 'release'): void;
}

/** Counts nothing. */
export const silentIpamMetrics: IpamMetrics = {
  allocated: () => {},
  allocationFailed: () => {},
  released: () => {},
  releaseFailed: () => {},
  ...silentPoolMetrics,
};
