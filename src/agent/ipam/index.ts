export { Allocator, type AllocatorOptions } from './allocator.ts';
export type { IpamMetrics } from './metrics.ts';
