export { type Route, SPIDERPOOL_FINALIZER, SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from './address-fields.ts';
export {
  coordinatorModes,
  podCIDRTypes,
  type ServiceMode,
  type SpiderCoordinator,
  serviceModeSchema,
  spiderCoordinators,
} from './coordinator.ts';
export { coordinatorIssues } from './coordinator-issues.ts';
export { type EndpointIPDetail, type SpiderEndpoint, spiderEndpoints } from './endpoint.ts';
export {
  type IaasPlace,
  type PoolAllocation,
  type PoolAllocations,
  poolAllocationsSchema,
  type SpiderIPPool,
  spiderIPPools,
} from './ip-pool.ts';
export { cniTypes, type SpiderMultusConfig, spiderMultusConfigs } from './multus-config.ts';
export { type SpiderReservedIP, spiderReservedIPs } from './reserved-ip.ts';
export { type SpiderSubnet, spiderSubnets } from './subnet.ts';
