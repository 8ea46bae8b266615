export type { Condition } from './core/condition.ts';
export type { ConfigMap } from './core/config-map.ts';
export type { CustomResourceDefinition, CustomResourceVersion } from './core/custom-resource-definition.ts';
export type { Endpoint, EndpointSlice } from './core/endpoint-slice.ts';
export type { Event } from './core/event.ts';
export type { Lease } from './core/lease.ts';
export type { Namespace } from './core/namespace.ts';
export type { NetworkAttachmentDefinition } from './core/network-attachment-definition.ts';
export type { Node } from './core/node.ts';
export type { ContainerStatus, Pod, PodSpec, PodStatus } from './core/pod.ts';
export type { Service, ServicePort } from './core/service.ts';
export type { ServiceAccount } from './core/service-account.ts';
export type { DaemonSet, Deployment, PodTemplate, ReplicaSet, StatefulSet } from './core/workload.ts';
export type { CustomKind, PrinterColumn } from './crd/custom-kind.ts';
export { isTransitionRule, RULES_KEY, type ValidationRule } from './crd/rule.ts';
export type { LabelSelector } from './metadata.ts';
export {
  apiVersionOf,
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
  type ResourceType,
} from './resource.ts';
export { builtInResources, customResources, resources } from './resources.ts';
export {
  type Route,
  SPIDERPOOL_FINALIZER,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from './spiderpool/address-fields.ts';
export { coordinatorModes, podCIDRTypes, type SpiderCoordinator } from './spiderpool/coordinator.ts';
export type { EndpointIPDetail, SpiderEndpoint } from './spiderpool/endpoint.ts';
export {
  type PoolAllocation,
  type PoolAllocations,
  poolAllocationsSchema,
  type SpiderIPPool,
} from './spiderpool/ip-pool.ts';
export { cniTypes, type SpiderMultusConfig } from './spiderpool/multus-config.ts';
export type { SpiderReservedIP } from './spiderpool/reserved-ip.ts';
export type { SpiderSubnet } from './spiderpool/subnet.ts';
