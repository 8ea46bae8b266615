// What the allocator counts. The agent's metrics implement this port with the names that Spiderpool documents.

/** Each method names the metric that it feeds, without the prefix `spiderpool_ipam_`. */
export interface IpamMetrics {
  /** `allocation_counts`, `allocation_duration_seconds`. */
  allocated(seconds: number): void;
  /** `allocation_counts`, `allocation_failure_counts` and the `allocation_err_*_counts` that fits the error's code. */
  allocationFailed(code: string, seconds: number): void;
  /** `release_counts`, `release_duration_seconds`. */
  released(seconds: number): void;
  /** `release_counts`, `release_failure_counts`. */
  releaseFailed(code: string, seconds: number): void;
  /**
   * A conflict (HTTP 409). Counts `allocation_update_ippool_conflict_counts` if the write allocated, else
   * `release_update_ippool_conflict_counts`.
   */
  conflicted(verb: 'allocation' | 'release'): void;
  /** One write of a pool's status has served `operations` requests. */
  wrote(operations: number): void;
}

/** Counts nothing. */
export const silentIpamMetrics: IpamMetrics = {
  allocated: () => {},
  allocationFailed: () => {},
  released: () => {},
  releaseFailed: () => {},
  conflicted: () => {},
  wrote: () => {},
};
