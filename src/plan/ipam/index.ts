export { applyOperations, type PoolBatch, type PoolOperation, type PoolOutcome } from './batch.ts';
export { type Owner, PoolLedger, type PoolStatus } from './ledger.ts';
export { DEFAULT_MAXIMUM_BYTES, DEFAULT_REST_MS, type Pick, type PickContext, pickAddress } from './pick.ts';
export { closedReason, type Pool, type PoolAudience, parsePool } from './pool.ts';
export type { PodRoute, PoolNetwork } from './pool-network.ts';
export { type Release, releasedBy } from './release.ts';
