export { Allocator, type AllocatorOptions } from './allocator.ts';
export { type IpamMetrics, silentIpamMetrics } from './metrics.ts';
