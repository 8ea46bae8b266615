export { type CronJob, cronJobs, type Job, jobs } from './batch.ts';
export { type Condition, conditionsField } from './condition.ts';
export { type ConfigMap, configMaps } from './config-map.ts';
export {
  type CustomResourceDefinition,
  type CustomResourceVersion,
  customResourceDefinitions,
} from './custom-resource-definition.ts';
export { type PodDisruptionBudget, podDisruptionBudgets } from './disruption-budget.ts';
export { type Endpoint, type EndpointSlice, endpointSlices } from './endpoint-slice.ts';
export { type Event, events } from './event.ts';
export { type Lease, leases } from './lease.ts';
export { type Namespace, namespaces } from './namespace.ts';
export {
  type NetworkAttachmentDefinition,
  networkAttachmentDefinitions,
} from './network-attachment-definition.ts';
export { type Node, nodes } from './node.ts';
export { type ContainerStatus, type Pod, type PodSpec, type PodStatus, pods } from './pod.ts';
export { type Secret, secrets } from './secret.ts';
export { type Service, type ServicePort, services } from './service.ts';
export { type ServiceAccount, serviceAccounts } from './service-account.ts';
export { type TokenReview, tokenRequestSchema, tokenReviews } from './token-review.ts';
export {
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  type WebhookConfiguration,
} from './webhook-configuration.ts';
export {
  type DaemonSet,
  type Deployment,
  daemonSets,
  deployments,
  type PodTemplate,
  type ReplicaSet,
  replicaSets,
  type StatefulSet,
  statefulSets,
} from './workload.ts';
