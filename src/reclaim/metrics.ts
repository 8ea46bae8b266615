// What reclaiming counts. A program implements this port with names of its own.

export interface ReclaimMetrics {
  /** So many addresses of one pool were freed by one write. */
  freed(addresses: number): void;
  /** Addresses or an endpoint could not be freed. */
  failed(): void;
  /** A write of a pool met a newer version of it. */
  conflicted(): void;
}
