export { type AgentConfig, parseAgentConfig } from './agent-config.ts';
export { type KubernetesArgs, parseKubernetesArgs } from './cni/arguments.ts';
export { type CoordinatorConf, parseCoordinatorConf } from './cni/coordinator-conf.ts';
export {
  type AttachmentEnvironment,
  type CniEnvironment,
  type CniVariable,
  type CniVariables,
  type CniVerb,
  cniVariables,
  cniVerbs,
  isAttachmentEnvironment,
  parseCniEnvironment,
} from './cni/environment.ts';
export { type CniErrorBody, cniErrorBody, cniErrorBodySchema } from './cni/error-body.ts';
export { parseIfacerConf } from './cni/ifacer-conf.ts';
export { INTERFACE_NAME } from './cni/interface-name.ts';
export { parseSpiderpoolIpam, type SpiderpoolIpam } from './cni/ipam-conf.ts';
export {
  CNI_NAME,
  type NetConf,
  type NetConfList,
  parseNetConf,
  parseNetConfList,
  prevResultOf,
  type ValidAttachment,
  versionAsked,
  versionOf,
} from './cni/net-conf.ts';
export { parseRouterConf, parseVethConf, type RouterConf, type VethConf } from './cni/older-conf.ts';
export { requestedAddresses } from './cni/requested-addresses.ts';
export {
  type CniDns,
  type CniInterface,
  type CniIp,
  type CniResult,
  type CniRoute,
  checkResult,
} from './cni/result.ts';
export { readResult, writeResult } from './cni/result-version.ts';
export {
  isAtLeast,
  requireVersion,
  type SpecVersion,
  type SupportedVersion,
  specVersions,
  supportedVersions,
} from './cni/spec-version.ts';
export type { CronJob, Job } from './core/batch.ts';
export type { Condition } from './core/condition.ts';
export type { ConfigMap } from './core/config-map.ts';
export type { CustomResourceDefinition, CustomResourceVersion } from './core/custom-resource-definition.ts';
export type { PodDisruptionBudget } from './core/disruption-budget.ts';
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
export { crdManifests } from './crd/manifest.ts';
export { type OpenApiSchema, structuralSchema } from './crd/structural.ts';
export { dueTime, scheduleProblem, timeZoneProblem } from './cron-schedule.ts';
export type { LabelSelector } from './metadata.ts';
export {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORK_STATUS_ANNOTATION,
  NETWORKS_ANNOTATION,
  type NetworkSelection,
  type NetworkStatus,
  parseDefaultNetwork,
  parseNetworkStatus,
  parseNetworks,
} from './multus.ts';
export { type NetworkRequests, requestsOf } from './multus-requests.ts';
export {
  NODE_CHECK_TYPE,
  type NodeCheck,
  type NodeReport,
  nodeCheckSchema,
  nodeReportSchema,
  type PodReport,
} from './node-report.ts';
export {
  apiVersionOf,
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
  type ResourceType,
} from './resource.ts';
export { builtInResources, customResources, resources } from './resources.ts';
export { shortList } from './short-list.ts';
export {
  type Route,
  SPIDERPOOL_FINALIZER,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from './spiderpool/address-fields.ts';
export { coordinatorModes, podCIDRTypes, type SpiderCoordinator } from './spiderpool/coordinator.ts';
export { coordinatorIssues } from './spiderpool/coordinator-issues.ts';
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
export { type Checked, check, checkJson, type FieldIssue, issuesOf, parseJson } from './validation.ts';
