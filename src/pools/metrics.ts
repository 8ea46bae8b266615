// What the writers of pools count.

/** What whoever writes a pool counts. */
export interface PoolMetrics {
  /** A conflict (HTTP 409). `allocation`: the write allocated something. */
  conflicted(verb: 'allocation' | 'release'): void;
  /** One write of a pool's status has served `operations` requests. */
  wrote(operations: number): void;
}

/** What an agent counts. */
export interface AgentPoolMetrics extends PoolMetrics {
  /** The leading controller has done an operation for this agent. */
  led(): void;
}

/** Counts nothing. */
export const silentPoolMetrics: AgentPoolMetrics = { conflicted: () => {}, wrote: () => {}, led: () => {} };
